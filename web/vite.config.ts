// One HTML file with all in it: the server embeds it, and exported traces are the same file with data.
import { defineConfig } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'

export default defineConfig({
  plugins: [viteSingleFile()],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { target: 'es2022', outDir: '../build/web', emptyOutDir: true, reportCompressedSize: false },
})
