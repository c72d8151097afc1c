import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { withoutSnippets } from './snippets.ts'

/** Links of a document into this repository that lead nowhere: no such file, or no such heading in it. */
export function brokenLinks(root: string, file: string): string[] {
  const text = withoutSnippets(readFileSync(join(root, file), 'utf8'))
  return linksOf(text).flatMap((link) => {
    const problem = problemOf(root, file, link)
    return problem ? [`${file}: link to "${link}": ${problem}`] : []
  })
}

function linksOf(markdown: string): string[] {
  const inline = [...markdown.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
  const html = [...markdown.matchAll(/(?:src|href)="([^"]+)"/g)]
  return [...inline, ...html].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link))
}

function problemOf(root: string, file: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : normalize(join(dirname(file), path))
  if (!existsSync(join(root, target))) return `there is no ${target}`
  if (anchor === undefined || statSync(join(root, target)).isDirectory() || !target.endsWith('.md')) return undefined
  return anchorsOf(readFileSync(join(root, target), 'utf8')).includes(anchor)
    ? undefined
    : `${target} has no such heading`
}

/** The anchors that headings get on the usual hosts: lower case, spaces as dashes, most punctuation left out. */
export function anchorsOf(markdown: string): string[] {
  const headings = [...withoutSnippets(markdown).matchAll(/^#{1,6} +(.+?) *$/gm)]
  return headings.map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
