/**
 * @file The page on which people rate: one file for all raters, opened from disk, that asks nothing of a network. It holds the package and no more:
 * neither arms nor which tasks are checks.
 */
import { escapeMarkup, jsonInScript } from '../markup.ts'
import type { RatingPackage } from './package.ts'
import { PAGE_SCRIPT } from './page-script.ts'
import { HIGHEST_GRADE } from './ratings.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2329; --paper: #fff; --panel: #f4f6f8; --faint: #8a949e; --mark: #14548c }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14181c; --panel: #1e242a; --faint: #7c8791; --mark: #7db8ea } }
* { box-sizing: border-box } [hidden] { display: none !important }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1.1rem } h3 { font-size: 1rem }
header, .buttons { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center } progress { width: 12rem; accent-color: var(--mark) }
h3 { margin: .8rem 0 .4rem } .text { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate } .blank { font-style: italic }
.panel { background: var(--panel); border: 1px solid var(--faint); border-radius: .4rem; padding: .8rem }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin: 1rem 0 } .sides .text { min-height: 6rem; max-height: 55vh; overflow-y: auto }
@media (max-width: 45rem) { .sides { grid-template-columns: 1fr } }
fieldset { border: 1px solid var(--faint); border-radius: .4rem; margin: .8rem 0 } fieldset label { display: inline-block; padding: .3rem .7rem .3rem 0 }
input[type=radio] { width: 1.15rem; height: 1.15rem; vertical-align: -.2rem; accent-color: var(--mark) }
button, select { font: inherit; padding: .4rem .9rem; color: var(--ink); background: var(--panel); border: 1px solid var(--faint); border-radius: .4rem }
button:disabled { opacity: .5 } :focus-visible { outline: 3px solid var(--mark); outline-offset: 2px } #message { min-height: 1.5rem; font-weight: 600 }
kbd { border: 1px solid var(--faint); border-radius: .2rem; padding: 0 .3rem; font: .85em ui-monospace, monospace }
`.trim()

const CHOICE_LABELS = [
  ['left', 'The left one', 'A'],
  ['right', 'The right one', 'D'],
  ['tie', 'Both alike', 'S'],
  ['both-bad', 'Both are bad', 'X'],
] as const

export async function ratingPage({ id, tasks, assignments }: RatingPackage): Promise<string> {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${await sha256Base64(PAGE_SCRIPT)}'; base-uri 'none'; form-action 'none'`
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<title>Compare answers</title>',
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<header><h1>Compare answers</h1>',
    '<label>Your code <select id="rater"><option value="">choose</option></select></label>',
    '<label>Rated <progress id="bar" value="0" max="1"></progress></label> <span id="count"></span>',
    '<button type="button" id="download" hidden>Download my ratings</button></header>',
    '<p>Read the person and the prompt, grade both answers, then say which one suits the person better, or, where no person is described, which one is the better answer. What is on which side is random. <span id="storage"></span></p>',
    '<noscript><p>This page needs JavaScript.</p></noscript>',
    '<main>',
    '<section id="work" aria-labelledby="task-title" hidden>',
    '<h2 id="task-title" tabindex="-1"></h2>',
    '<div id="persona-part"><h3>Person</h3><p id="persona" class="text panel" dir="auto"></p></div>',
    '<h3>Prompt</h3><p id="prompt" class="text panel" dir="auto"></p>',
    `<div class="sides">${side('left', 'Left', '')}${side('right', 'Right', 'Shift + ')}</div>`,
    `<fieldset><legend>Which one?</legend>${CHOICE_LABELS.map(([value, label, key]) => radio('choice', value, `${label} <kbd>${key}</kbd>`)).join('')}</fieldset>`,
    '<p id="message" role="status"></p>',
    '<div class="buttons"><button type="button" id="back">Back</button><button type="button" id="next">Next <kbd>Enter</kbd></button>',
    '<label><input type="checkbox" id="shortcuts" checked> Single-key shortcuts</label></div>',
    '</section>',
    '<section id="done" aria-labelledby="done-title" hidden><h2 id="done-title" tabindex="-1">All rated</h2>',
    '<p>Thank you. Download your ratings and send the file back.</p><button type="button" id="review">Look at them again</button></section>',
    '</main>',
    `<script type="application/json" id="package">${jsonInScript({ id, tasks, assignments })}</script>`,
    `<script>${PAGE_SCRIPT}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function side(name: 'left' | 'right', title: string, modifier: string): string {
  const grades = Array.from({ length: HIGHEST_GRADE }, (_, place) => radio(name, `${place + 1}`, `${place + 1}`)).join('')
  return [
    `<section aria-labelledby="${name}-title"><h3 id="${name}-title">${title}</h3>`,
    `<div id="${name}-text" class="text panel" dir="auto" tabindex="0" role="group" aria-labelledby="${name}-title"></div>`,
    `<fieldset><legend>Grade of the ${name} answer: 1 does not suit at all, ${HIGHEST_GRADE} suits perfectly <kbd>${modifier}1</kbd> to <kbd>${modifier}${HIGHEST_GRADE}</kbd></legend>${grades}</fieldset></section>`,
  ].join('')
}

/** `label` is markup of this file. */
function radio(name: string, value: string, label: string): string {
  return `<label><input type="radio" name="${name}" value="${escapeMarkup(value)}"> ${label}</label>`
}

async function sha256Base64(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}
