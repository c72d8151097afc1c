import type { Change } from '../entry/types.ts'
import { formatPrefix } from '../net/prefix.ts'
import { formatMatch } from './binding.ts'
import type { DesiredDispatch, DesiredWatch } from './desired.ts'
import { formatPolicy } from './policy.ts'
import { formatSuccession } from './succession-config.ts'

/** Bindings that are named one by one. */
const NAMED = 4

/** What an apply would change, one line a label. */
export function changesOf(before: DesiredDispatch, after: DesiredDispatch): Change[] {
  return [
    ...compare('announce', announced(before), announced(after)),
    ...compare('label', labelTexts(before), labelTexts(after)),
    ...compare('udpgrm', udpgrmTexts(before), udpgrmTexts(after)),
  ]
}

type Texts = ReadonlyMap<string, readonly string[]>

const announced = ({ announce }: DesiredDispatch): Texts =>
  new Map(announce.map((prefix) => [formatPrefix(prefix), []]))

const udpgrmTexts = ({ udpgrm }: DesiredDispatch): Texts =>
  new Map(udpgrm === undefined ? [] : [['options', [`in control group ${udpgrm.cgroup}`]]])

function labelTexts({ bindings, watches, successions }: DesiredDispatch): Texts {
  const texts = new Map<string, string[]>()
  for (const binding of bindings) {
    const text = [formatMatch(binding), formatPolicy(binding)].filter((part) => part !== '').join(' with ')
    const known = texts.get(binding.label)
    if (known === undefined) texts.set(binding.label, [text])
    else known.push(text)
  }
  const add = (label: string, text: string) => texts.set(label, [...(texts.get(label) ?? []), text])
  for (const watch of watches) add(watch.label, watchText(watch))
  for (const succession of successions) add(succession.label, formatSuccession(succession))
  return texts
}

function watchText({ process, port }: DesiredWatch): string {
  const whose = Object.entries(process).map(([key, value]) => `${key} ${value}`)
  return `sockets of ${whose.join(', ')} at port ${port}`
}

function compare(what: 'announce' | 'label' | 'udpgrm', before: Texts, after: Texts): Change[] {
  const gone = [...before].filter(([name]) => !after.has(name))
  return [
    ...gone.map(([name, texts]): Change => ({ kind: 'remove', what, name, ...textOf('before', texts) })),
    ...[...after].flatMap(([name, texts]): Change[] => {
      const was = before.get(name)
      if (was === undefined) return [{ kind: 'add', what, name, ...textOf('after', texts) }]
      const [removed, added] = [without(was, texts), without(texts, was)]
      if (removed.length + added.length === 0) return []
      return [{ kind: 'change', what, name, before: shortened(removed), after: shortened(added) }]
    }),
  ]
}

function without(some: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others)
  return some.filter((text) => !known.has(text))
}

const textOf = (key: 'before' | 'after', texts: readonly string[]) =>
  texts.length === 0 ? {} : { [key]: shortened(texts) }

function shortened(texts: readonly string[]): string {
  if (texts.length === 0) return 'nothing'
  const more = texts.length - NAMED
  return [...texts.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ')
}
