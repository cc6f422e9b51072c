// Bars by the ten thousand, painted pixel by pixel: as rectangles of a canvas they would take several times as long.
// Places are in pixels of the screen, from the upper left.
export class Bars {
  private readonly pixels: Uint32Array
  private readonly codes = new Map<string, number>()

  constructor(readonly width: number, readonly height: number) {
    this.pixels = new Uint32Array(width * height)
  }

  clear(): void {
    this.pixels.fill(0)
  }

  // What lies outside is cut off. The colour is #rrggbb; the last one that was painted is seen.
  fill(left: number, right: number, top: number, bottom: number, colour: string, alpha = 1): void {
    const code = (this.codeOf(colour) | (Math.round(alpha * 255) << 24)) >>> 0
    const [from, to] = [Math.max(left, 0), Math.min(right, this.width)]
    if (from >= to) return
    const end = Math.min(bottom, this.height) * this.width
    for (let line = Math.max(top, 0) * this.width; line < end; line += this.width) {
      if (to - from < 8) for (let x = line + from; x < line + to; x++) this.pixels[x] = code
      else this.pixels.fill(code, line + from, line + to)
    }
  }

  at(x: number, y: number): number {
    return this.pixels[y * this.width + x]
  }

  // Takes the place of what the canvas shows.
  put(context: CanvasRenderingContext2D): void {
    const bytes = new Uint8ClampedArray(this.pixels.buffer as ArrayBuffer)
    context.putImageData(new ImageData(bytes, this.width, this.height), 0, 0)
  }

  // Without its alpha, as the memory of an image has it: red first.
  private codeOf(colour: string): number {
    let code = this.codes.get(colour)
    if (code === undefined) {
      const [red, green, blue] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16))
      code = red | (green << 8) | (blue << 16)
      this.codes.set(colour, code)
    }
    return code
  }
}
