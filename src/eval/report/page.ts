/** @file Sections as one HTML page that needs no network and no script, and as Markdown. Nothing that a result says becomes markup. */
import { escapeCell, escapeMarkup } from '../markup.ts'
import type { Section, Table } from './section.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2329; --paper: #fff; --faint: #d9dee3; --mark: #14548c; --soft: #56616b; --cool: #b4530a;
  --c0: #14548c; --c1: #b4530a; --c2: #1b7f5c; --c3: #8a3b8f; --c4: #4d4d4d; --c5: #a31f34; --c6: #6b6a00; --c7: #0f7c93 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14181c; --faint: #343c44; --mark: #7db8ea; --soft: #9fabb6; --cool: #f0a35e;
  --c0: #7db8ea; --c1: #f0a35e; --c2: #6fcfa8; --c3: #d79bdc; --c4: #c4c4c4; --c5: #f28a98; --c6: #d6d35a; --c7: #63cfe4 } }
@media print { :root { --ink: #000; --paper: #fff; --faint: #ccc; --mark: #14548c; --soft: #444; --cool: #b4530a;
  --c0: #14548c; --c1: #b4530a; --c2: #1b7f5c; --c3: #8a3b8f; --c4: #4d4d4d; --c5: #a31f34; --c6: #6b6a00; --c7: #0f7c93 }
  body { max-width: none; margin: 0 } figure, tr { break-inside: avoid } h2, h3 { break-after: avoid } div.wide { overflow: visible } table { font-size: 9px } nav { display: none } }
* { box-sizing: border-box }
body { margin: 2rem auto 4rem; max-width: 76rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1, h2, h3 { line-height: 1.25 } h2 { margin-top: 3rem; border-top: 1px solid var(--faint); padding-top: 1.5rem } h3 { margin-top: 2.2rem }
a { color: var(--mark) } nav ul { padding-left: 1.2rem } p.note, figcaption { color: var(--soft); max-width: 60rem }
figure { margin: 1.6rem 0 2.4rem } figcaption { margin-bottom: .4rem }
div.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--faint); text-align: right; white-space: nowrap } th:first-child, td:first-child, td.words { text-align: left }
td.words { white-space: normal; min-width: 22rem }
svg.plot { max-width: 100%; height: auto; display: block } div.panels { display: flex; flex-wrap: wrap; gap: 1.2rem 2rem } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums }
svg text.strong { font-weight: 600 } svg .grid { stroke: var(--faint) } svg .rule { stroke: var(--soft); stroke-dasharray: 4 3 }
svg .whisker { stroke: var(--mark); stroke-width: 2 } svg .ring { fill: none; stroke: var(--ink) } svg circle.ring { stroke-width: 1.5 }
svg .warm { fill: var(--mark) } svg .cool { fill: var(--cool) }
${Array.from({ length: 8 }, (_, i) => `svg .s${i} { --colour: var(--c${i}) }`).join(' ')}
svg .series { fill: var(--colour); stroke: var(--colour) } svg .series.hollow { fill: var(--paper); stroke-width: 2 }
svg .series-line { fill: none; stroke: var(--colour); stroke-width: 1.8 } svg .whisker[class*=" s"] { stroke: var(--colour); stroke-width: 1; opacity: .7 }
svg .d1 { stroke-dasharray: 7 3 } svg .d2 { stroke-dasharray: 2 3 } svg .d3 { stroke-dasharray: 9 3 2 3 }
`.trim()

export function htmlPage(title: string, sections: readonly Section[]): string {
  const name = escapeMarkup(title)
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`,
    `<title>${name}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>${name}</h1>`,
    ...(sections.length > 1
      ? [
          '<nav aria-label="Sections"><ul>',
          ...sections.map(({ title: of }, i) => `<li><a href="#section-${i}">${escapeMarkup(of)}</a></li>`),
          '</ul></nav>',
        ]
      : []),
    ...sections.flatMap((section, i) => htmlSection(section, i)),
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function htmlSection({ title, facts, figures, tables }: Section, index: number): string[] {
  return [
    `<section id="section-${index}"><h2>${escapeMarkup(title)}</h2>`,
    ...facts.map((fact) => `<p>${escapeMarkup(fact)}</p>`),
    ...figures.flatMap(({ caption, svg }) => [
      `<figure><figcaption>${escapeMarkup(caption)}</figcaption>`,
      `<div class="panels">${svg}</div>`,
      '</figure>',
    ]),
    ...tables.flatMap(htmlTable),
    '</section>',
  ]
}

const LONGEST_NUMBER = 60

function htmlTable({ title, note, columns, rows }: Table): string[] {
  const cell = (text: string) => `<td${text.length > LONGEST_NUMBER ? ' class="words"' : ''}>${escapeMarkup(text)}</td>`
  return [
    `<h3>${escapeMarkup(title)}</h3>`,
    `<p class="note">${escapeMarkup(note)}</p>`,
    '<div class="wide"><table>',
    `<thead><tr>${columns.map((column) => `<th scope="col">${escapeMarkup(column)}</th>`).join('')}</tr></thead>`,
    '<tbody>',
    ...rows.map((cells) => `<tr>${cells.map(cell).join('')}</tr>`),
    '</tbody></table></div>',
  ]
}

export function markdownPage(title: string, sections: readonly Section[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [
    `# ${escapeCell(title)}`,
    ...sections.flatMap(({ title: name, facts, tables }) => [
      '',
      `## ${escapeCell(name)}`,
      '',
      ...facts.map((fact) => `${escapeCell(fact)}\n`),
      ...tables.flatMap(({ title: of, note, columns, rows }) => [
        '',
        `### ${escapeCell(of)}`,
        '',
        escapeCell(note),
        '',
        line(columns),
        `|${'---|'.repeat(columns.length)}`,
        ...rows.map(line),
      ]),
    ]),
    '',
  ].join('\n')
}
