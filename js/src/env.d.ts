/** The first twelve digits of the sources' hash, set by build.mjs. */
declare const __BUILD__: string;

declare module "*?worklet" {
  const source: string;
  export default source;
}

declare module "*.css";
