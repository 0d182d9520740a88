/** @file The section of `palign open-ended`: answers to everyday questions, scored by a classifier and by judges. */
import type { OpenEndedResult } from '../open-ended/result.ts'
import { forestPlot } from './forest-plot.ts'
import { type Figure, fixed, measured, percent, type Section, type Table, wholeInterval } from './section.ts'

export function openEndedSection(result: OpenEndedResult, id: string): Section {
  const { model, seed, version, situations, samples, temperature, maxTokens, calibrated, agreement, skipped } = result
  return {
    title: 'Behaviour: open answers',
    facts: [
      `Model ${model}, seed ${seed}; ${situations} situations, ${samples} answers each at temperature ${temperature}, at most ${maxTokens} tokens; palign ${version}.`,
      ...(calibrated === false
        ? ['Numbers of the judges are uncalibrated: a judge failed its audit, or the judges do not agree.']
        : []),
      ...(agreement === null ? [] : [`Agreement of the judges, Krippendorff’s alpha: ${fixed(agreement.alpha)}.`]),
      ...skipped.map((reason) => `${reason}.`),
    ],
    figures: [...differences(result, id), ...winRates(result, id)],
    tables: [scoreTable(result), classifierTable(result), judgeTable(result)].filter(({ rows }) => rows.length > 0),
  }
}

function differences({ rows }: OpenEndedResult, id: string): Figure[] {
  const drawn = rows.flatMap(({ arm, trait, classifier }) => {
    const over = classifier?.overUnsteered
    return over === undefined || over.value === null
      ? []
      : [{ label: `${trait}, ${arm}`, value: over.value, interval: wholeInterval(over.interval) }]
  })
  if (drawn.length === 0) return []
  const svg = forestPlot({
    id: `${id}-classifier`,
    title: 'Trait scores of answers, arm minus unsteered, by the classifier',
    axis: 'log-odds of the trait classifier, arm minus unsteered',
    rows: drawn,
    rule: 0,
    ruleLabel: 'as unsteered',
  })
  return [{ caption: 'What an arm’s open answers show more of than the unsteered model’s; 95 % intervals over situations.', svg }]
}

function winRates({ rows }: OpenEndedResult, id: string): Figure[] {
  const drawn = rows.flatMap(({ arm, trait, winRate }) =>
    winRate === undefined || winRate.value === null
      ? []
      : [{ label: `${trait}, ${arm}`, value: winRate.value, interval: wholeInterval(winRate.interval) }],
  )
  if (drawn.length === 0) return []
  const svg = forestPlot({
    id: `${id}-wins`,
    title: 'Share of comparisons in which judges see more of the trait in the arm than in the unsteered model',
    axis: 'win rate against unsteered, ties count half',
    rows: drawn,
    rule: 0.5,
    ruleLabel: 'as unsteered',
  })
  return [{ caption: 'Judges, each comparison in both orders; an inconsistent one is a tie.', svg }]
}

function scoreTable({ rows }: OpenEndedResult): Table {
  return {
    title: 'Scores of open answers',
    note: 'Classifier: mean log-odds, and its difference from unsteered over the same situations; absolute values are of style too. Judged: grade 1 to 6, and coherence 0 to 100. Wins: against unsteered, then with the length of answers held equal.',
    columns: ['arm', 'trait', 'classifier', 'over unsteered', 'judged', 'coherence', 'wins', 'wins at equal length', 'ties'],
    rows: rows.map(({ arm, trait, classifier, judged, winRate }) => [
      arm,
      trait,
      measured(classifier),
      measured(classifier?.overUnsteered),
      measured(judged),
      fixed(judged?.coherence, 1),
      measured(winRate),
      fixed(winRate?.adjusted),
      winRate === undefined ? '' : `${winRate.ties} of ${winRate.comparisons}`,
    ]),
  }
}

function classifierTable({ classifier }: OpenEndedResult): Table {
  return {
    title: 'Trait classifier',
    note: 'On statements that it was not fitted on; they were written by one model and resemble each other, so this is optimistic.',
    columns: ['trait', 'accuracy', 'AUC', 'statements', 'held out'],
    rows: (classifier ?? []).map(({ trait, heldOutAccuracy, auc, statements, heldOut }) => [
      trait,
      percent(heldOutAccuracy),
      fixed(auc),
      `${statements}`,
      `${heldOut}`,
    ]),
  }
}

function judgeTable({ judges }: OpenEndedResult): Table {
  return {
    title: 'Judges and their audit',
    note: 'Every check with its value and its limit.',
    columns: ['judge', 'host', 'questions', 'unreadable', 'calibrated', 'audit'],
    rows: judges.map(({ model, host, prompts, unreadable, audit }) => [
      model,
      host,
      `${prompts}`,
      `${unreadable}`,
      audit.calibrated ? 'yes' : 'no',
      audit.checks
        .map(({ name, value, limit, passed }) => `${name} ${fixed(value)} (${limit}${passed ? '' : ', failed'})`)
        .join('; '),
    ]),
  }
}
