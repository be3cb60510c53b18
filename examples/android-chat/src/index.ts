/** The app's entry. */
import { registerRootComponent } from "expo";
import { App } from "./ui/app";

registerRootComponent(App);
