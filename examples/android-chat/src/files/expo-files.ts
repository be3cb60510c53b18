/** Files of the app on expo-file-system, below a folder of its documents: private to the app, and not cleaned like a cache. */
import { Directory, File, FileMode, Paths } from "expo-file-system";
import type { PlainFiles } from "./plain-files";

export function expoFiles(folder: string): PlainFiles {
  const root = new Directory(Paths.document, folder);
  const file = (path: string) => new File(root, path);
  return {
    location: root.uri,
    availableBytes: () => Paths.availableDiskSpace,
    address: (path) => file(path).uri,
    size(path) {
      const found = file(path);
      return found.exists ? found.size : undefined;
    },
    read(path, offset, length) {
      const handle = file(path).open(FileMode.ReadOnly);
      try {
        handle.offset = offset;
        return handle.readBytes(length);
      } finally {
        handle.close();
      }
    },
    create(path) {
      const made = file(path);
      made.create({ intermediates: true, overwrite: true });
      const handle = made.open(FileMode.WriteOnly);
      return { write: (bytes) => handle.writeBytes(bytes), close: () => handle.close() };
    },
    replace(path, by) {
      file(by).moveSync(file(path), { overwrite: true });
    },
    remove(path) {
      const found = Paths.info(root.uri, path);
      if (!found.exists) return;
      if (found.isDirectory) new Directory(root, path).delete();
      else file(path).delete();
    },
    list(path) {
      const found = new Directory(root, path);
      return found.exists ? found.list().map(({ uri }) => decodeURIComponent(Paths.basename(uri))) : [];
    },
  };
}
