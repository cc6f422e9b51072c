import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { largest } from '../base/largest'
import { duration } from '../base/units'
import { litSites, loaded, select, selection, traceId } from '../model/state'
import { placeOf } from '../model/selection'
import { useSource } from './context'
import { pressing } from './widgets'

const words = /(#.*)|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\b(def|return|for|while|in|if|elif|else|import|from|as|with|lambda|not|and|or|is|None|True|False|class|try|except|raise|pass|yield|break|continue)\b|(@\w[\w.]*)|\b(\d[\w.]*)/g

// Enough of Python's look to read by; the text stays as it is.
function Code({ text }: { readonly text: string }) {
  const parts = []
  let at = 0
  for (const found of text.matchAll(words)) {
    parts.push(text.slice(at, found.index))
    const kind = ['comment', 'string', 'word', 'name', 'number'][found.slice(1).findIndex(g => g !== undefined)]
    parts.push(<span class={`code-${kind}`}>{found[0]}</span>)
    at = found.index + found[0].length
  }
  return <code>{parts}{text.slice(at)}</code>
}

// Which lines lie in a string of three quotes, wholly or in part.
function inLongStrings(lines: readonly string[]): readonly boolean[] {
  let open = ''
  return lines.map(line => {
    const was = open
    for (const [quotes] of line.matchAll(/"""|'''/g)) open = open === quotes ? '' : open || quotes
    return was !== '' || open !== '' || /^\s*("""|''').*\1\s*$/.test(line)
  })
}

// The text that ran, with the time of each line beside it. Click a line to light up all that came of it.
export function SourceView() {
  const source = useSource()
  const open = useSignal<string | null>(null)
  const text = useSignal<{ file: string; lines: readonly string[]; missing: string } | null>(null)
  const body = useRef<HTMLDivElement>(null)
  const place = useComputed(() => {
    const now = loaded.value
    return now ? placeOf(selection.value, now.sites, now.tree) : null
  })
  const file = useComputed(() => {
    const now = loaded.value
    if (!now) return null
    // The file of the selection, else the one with the most time.
    if (open.value !== null && now.summary.files.includes(open.value)) return open.value
    const time = new Map<string, number>()
    now.sites.file.forEach((name, i) => name && time.set(name, (time.get(name) ?? 0) + now.sites.self[i] + 1))
    return [...time].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
  })
  const heat = useComputed(() => {
    const lines = new Map<number, number>()
    const now = loaded.value
    now?.sites.file.forEach((name, i) => {
      if (name === file.value) lines.set(now.sites.line[i], (lines.get(now.sites.line[i]) ?? 0) + now.sites.self[i])
    })
    return lines
  })
  const lit = useComputed(() => {
    const now = loaded.value
    const lines = new Set<number>()
    if (!now) return lines
    for (const site of litSites.value) if (now.sites.file[site] === file.value) lines.add(now.sites.line[site])
    if (selection.value.kind === 'line' && selection.value.file === file.value) lines.add(selection.value.line)
    return lines
  })
  const wanted = file.value
  useEffect(() => {
    const now = loaded.value
    if (!now || wanted === null) return
    let ends = false
    const set = (lines: readonly string[], missing: string) => !ends && (text.value = { file: wanted, lines, missing })
    const file = now.summary.files.indexOf(wanted)
    if (!now.summary.readable[file]) {
      set([], 'its text cannot be read here')
      return
    }
    source.text(traceId.value, file).then(
      all => set(all.split('\n'), ''),
      // Without the text the lines that ran are still known, by what ran there.
      error => set([], String(error.message)))
    return () => {
      ends = true
    }
  }, [wanted, traceId.value])
  const selected = place.value
  useEffect(() => {
    if (selected && selected.file !== open.value) open.value = selected.file
  }, [selected?.file])
  const shown = text.value?.file === wanted ? text.value : null
  useEffect(() => {
    body.current?.querySelector('.lit')?.scrollIntoView({ block: 'center' })
  }, [selected?.line, selected?.file, shown])
  const now = loaded.value
  if (!now) return null
  if (wanted === null) return <p class="empty">No span of this trace names a file.</p>
  const most = largest(heat.value.values(), 1)
  const lines = shown?.lines.length
    ? shown.lines.map((line, i) => ({ number: i + 1, line }))
    : [...heat.value.keys()].filter(n => n > 0).sort((a, b) => a - b).map(number => ({
        number,
        line: [...new Set(now.sites.text.filter((t, i) => t && now.sites.file[i] === wanted && now.sites.line[i] === number))].pop() ?? '',
      }))
  const strings = inLongStrings(lines.map(l => l.line))
  return (
    <div class="fill">
      <div class="bar">
        <select aria-label="file" value={wanted} onChange={event => (open.value = event.currentTarget.value)}>
          {now.summary.files.map(f => <option key={f} value={f}>{f.split('/').pop()}</option>)}
        </select>
        {shown?.missing && <span class="faint">{shown.missing}: the lines that ran, as PhySL</span>}
      </div>
      <div class="scroll text" ref={body} tabIndex={0} role="group" aria-label="text of the program">
        {lines.map(({ number, line }, i) => {
          const time = heat.value.get(number)
          return (
            <div key={number} class={`line${lit.value.has(number) ? ' lit' : ''}${time === undefined ? '' : ' known'}`} data-line={number}
              {...(time === undefined ? {} : pressing(() => select({ kind: 'line', file: wanted, line: number })))}>
              <span class="heat" style={{ '--heat': time ? Math.max(time / most, 0.04) : 0 }}>{time ? duration(time) : ''}</span>
              <span class="number">{number}</span>
              {strings[i] ? <code class="code-string">{line}</code> : <Code text={line} />}
            </div>
          )
        })}
      </div>
    </div>
  )
}
