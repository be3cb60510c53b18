#!/usr/bin/env bash
# Compiles what is native of this example and of onnxruntime-react-native against the classes of Android and React Native,
# which Maven brings (300 MB, kept in its own folder), and runs the list of NNAPI drivers against a library that pretends to
# be NNAPI. No Android SDK, NDK, emulator or phone is needed. An APK is not built.
# Use: scripts/compile-native.sh [folder with node_modules/onnxruntime-react-native]; it says what it skips, and why.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
modules="$(cd "${1:-$here}" && pwd)/node_modules"
for tool in javac mvn unzip; do
  if ! command -v "$tool" >/dev/null; then echo "skipped: there is no $tool"; exit 0; fi
done
android=org.robolectric:android-all:14-robolectric-10818077
react=com.facebook.react:react-android:$(node -p 'require(process.argv[1]).dependencies["react-native"]' "$here/package.json"):aar:release
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

for artifact in "$android" "$react" androidx.annotation:annotation-jvm:1.9.1 org.jetbrains.kotlin:kotlin-stdlib:2.1.20 \
  com.facebook.infer.annotation:infer-annotation:0.18.0 com.facebook.fbjni:fbjni:0.7.0:aar; do
  IFS=: read -r group name version _ <<<"$artifact"
  if compgen -G "$HOME/.m2/repository/${group//.//}/$name/$version/*.[aj]ar" >/dev/null; then continue; fi
  mvn -q dependency:get -Dartifact="$artifact" -Dtransitive=false >"$work/mvn.log" 2>&1 || { cat "$work/mvn.log"; exit 1; }
done
store="$HOME/.m2/repository"
unzip -qo "$store"/com/facebook/react/react-android/*/react-android-*-release.aar classes.jar -d "$work"
path="$work/classes.jar:$work/fbjni/classes.jar"
unzip -qo "$store"/com/facebook/fbjni/fbjni/*/fbjni-*.aar classes.jar -d "$work/fbjni"
for folder in org/robolectric/android-all androidx/annotation/annotation-jvm org/jetbrains/kotlin/kotlin-stdlib com/facebook/infer/annotation/infer-annotation; do
  path="$path:$(ls "$store/$folder"/*/*.jar | tail -1)"
done

echo "javac: device-facts"
javac -Xlint:all,-classfile,-processing --release 17 -cp "$path" -d "$work/facts" -h "$work/headers" \
  "$here"/modules/device-facts/android/src/main/java/org/millet/devicefacts/*.java 2>&1 | tee "$work/javac.log"
# Warnings about annotations in others' classes name no file of ours.
if grep -q 'org/millet/devicefacts/.*warning' "$work/javac.log"; then exit 1; fi
if [ -d "$modules/onnxruntime-react-native" ]; then
  echo "javac: onnxruntime-react-native, whose calls must still be there in this React Native"
  find "$modules/onnxruntime-react-native/android/src/main/java" -name '*.java' ! -name '*ExtensionsEnabled.java' >"$work/sources"
  javac -nowarn --release 17 -cp "$path" -d "$work/ort" @"$work/sources"
else
  echo "skipped: onnxruntime-react-native is not installed in $modules"
fi

if ! command -v g++ >/dev/null; then echo "skipped: there is no g++"; exit 0; fi
echo "g++: the list of NNAPI drivers, on a library that pretends to be NNAPI"
jdk="$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")"
flags=(-std=c++17 -O1 -fPIC -shared -fno-exceptions -fno-rtti -Wall -Wextra -Werror -I"$jdk/include" -I"$jdk/include/linux" -I"$work/headers")
mkdir -p "$work/lib"
g++ "${flags[@]}" -include org_millet_devicefacts_NnapiDevices.h -o "$work/lib/libdevicefacts.so" \
  "$here/modules/device-facts/android/src/main/cpp/nnapi-devices.cpp" -ldl
cp "$here"/test/native/*.java "$work"
javac --release 17 -cp "$work/facts" -d "$work/facts" "$work"/*.java
echo "without NNAPI:"
java -Djava.library.path="$work/lib" -cp "$work/facts" org.millet.devicefacts.ListDevices "this Android has no list of NNAPI drivers"
g++ "${flags[@]}" -o "$work/lib/libneuralnetworks.so" "$here/test/native/fake-nnapi.cpp"
echo "with two drivers:"
LD_LIBRARY_PATH="$work/lib" java -Djava.library.path="$work/lib" -cp "$work/facts" org.millet.devicefacts.ListDevices \
  $'maker-npu\t1.2.3\t4\t31' $'nnapi-reference\tUNKNOWN\t2\t31'
echo "native code is right as far as this machine can tell"
