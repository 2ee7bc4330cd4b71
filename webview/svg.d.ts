declare module '*.svg' {
  const source: string;
  // biome-ignore lint/style/noDefaultExport: how esbuild gives a file imported as text
  export default source;
}
