/** The first twelve digits of the sources' hash, set by build.mjs. */
declare const __BUILD__: string;

/** The name of the widget that is built, such as "tuner"; set by build.mjs. */
declare const __WIDGET__: string;

declare module "*?worklet" {
  const source: string;
  export default source;
}

declare module "*.css";
