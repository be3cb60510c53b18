import { Generator } from "./generator.jsx";

export default function Page() {
  return <Generator />;
}
