import { useComputed } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { duration } from '../base/units'
import { litSites, loaded, select } from '../model/state'
import { pressing } from './widgets'

const mostLines = 3000 // of a function

// The program between Python and the machine, node by node, with the time of each. Click a node to light it up.
export function PhyslView() {
  const body = useRef<HTMLDivElement>(null)
  const functions = useComputed(() => {
    const sites = loaded.value?.sites
    const groups = new Map<string, number[]>()
    sites?.node.forEach((node, i) => {
      if (node < 0 || !sites.text[i]) return
      const group = groups.get(sites.function[i]) ?? []
      group.push(i)
      groups.set(sites.function[i], group)
    })
    for (const group of groups.values()) group.sort((a, b) => sites!.node[a] - sites!.node[b])
    // Those that ran come first: a process may know many more.
    const time = new Map([...groups].map(([name, group]) => [name, group.reduce((sum, i) => sum + sites!.self[i], 0)]))
    return [...groups].sort(([a], [b]) => time.get(b)! - time.get(a)!)
  })
  const first = [...litSites.value][0]
  useEffect(() => {
    body.current?.querySelector('.lit')?.scrollIntoView({ block: 'center' })
  }, [first])
  const now = loaded.value
  if (!now) return null
  if (functions.value.length === 0) {
    return <p class="empty">No node of a PhySL program in this trace: no function with <code>@jl.jit</code> ran.</p>
  }
  const { sites } = now
  const most = functions.value.flatMap(([, group]) => group).reduce((m, i) => Math.max(m, sites.self[i]), 1)
  return (
    <div class="scroll text" ref={body}>
      {functions.value.map(([name, group]) => (
        <section key={name}>
          <h2>{name}</h2>
          {group.slice(0, mostLines).map(i => (
            <div key={i} class={`line known${litSites.value.has(i) ? ' lit' : ''}`} data-node={sites.node[i]}
              {...pressing(() => select({ kind: 'node', function: sites.function[i], node: sites.node[i] }))}>
              <span class="heat" style={{ '--heat': sites.self[i] ? Math.max(sites.self[i] / most, 0.04) : 0 }}>
                {sites.self[i] ? duration(sites.self[i]) : ''}
              </span>
              <span class="number" title="line of the source">{sites.line[i]}</span>
              <code>{sites.text[i]}</code>
            </div>
          ))}
        </section>
      ))}
    </div>
  )
}
