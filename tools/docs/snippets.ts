/** A fenced code block of a document. */
export interface Snippet {
  readonly file: string
  /** Line of the opening fence, from 1. */
  readonly line: number
  /** First word after the fence, `ts` for example. */
  readonly language: string
  /** The other words after it. */
  readonly marks: readonly string[]
  readonly text: string
}

/** The fenced code blocks of a Markdown text. */
export function snippetsOf(file: string, markdown: string): Snippet[] {
  const found: Snippet[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const open = /^( *)(`{3,})\s*(.*)$/.exec(lines[at]!)
    if (!open) continue
    const [, indent, fence, info] = open
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence)
    const body = lines.slice(at + 1, end < 0 ? undefined : end)
    const [language = '', ...marks] = info!.trim().split(/\s+/)
    found.push({ file, line: at + 1, language, marks, text: body.map((line) => line.slice(indent!.length)).join('\n') })
    at = end < 0 ? lines.length : end
  }
  return found
}

/** The same text with its code blocks emptied, so that what looks like a link or a heading in code is none. */
export function withoutSnippets(markdown: string): string {
  return markdown.replace(/^( *)(`{3,})[^\n]*\n[\s\S]*?^ *\2 *$/gm, '')
}
