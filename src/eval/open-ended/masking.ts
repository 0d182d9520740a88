/**
 * @file What a judge sees of a text by the model: words that name a trait are masked, so that describing oneself earns no grade, and what could end the
 * text early or pass for a part of the question is made plain. It is a guard, not a proof: the audit measures what gets through.
 */

/** Words by which the five traits and their poles are called, from their stems on. */
const TRAIT_WORDS =
  /(?<!\p{L})(?:(?:dis)?agreeabl|(?:un)?conscientious|extrover|extraver|introver|neurotic|openness|(?:open|closed|narrow)-minded|emotional(?:ly)? (?:un|in)?stab|big five)\p{L}*/giu

/** Longer texts are cut: a judge reads at most so many characters. */
const MAX_CHARACTERS = 6000

/** The text between the tags of a question. */
export function shownToJudge(text: string): string {
  // Compatibility forms are unfolded and invisible characters dropped first: they hide words and tags.
  const plain = text
    .slice(0, 2 * MAX_CHARACTERS)
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
  const cut = plain.length > MAX_CHARACTERS ? `${plain.slice(0, MAX_CHARACTERS)} [cut]` : plain
  return withoutDelimiters(cut.replace(TRAIT_WORDS, '[trait]'))
}

/** Tags, template tokens, fences, instruction brackets, headings and rules, made from signs that delimit nothing. */
function withoutDelimiters(text: string): string {
  return text
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replace(/`{3,}|~{3,}/g, "'''")
    .replace(/\[(\/?)(INST|SYS|SYSTEM|USER|ASSISTANT)\]/gi, '($1$2)')
    .replace(/^([ \t]*)#{1,6}(?=\s)/gm, '$1-')
    .replace(/^([ \t]*)-{3,}[ \t]*$/gm, '$1...')
}
