/** @file Commands that measure what personas do, and report it. Their code is loaded only when they are called. */
import { type Command, Option } from 'commander'
import { OPTION_ORDERS } from '../items/question-form.ts'
import { DRAWS } from '../people/draw.ts'
import {
  accuracy,
  comparedPersonas,
  count,
  databaseUrlFile,
  device,
  dtype,
  examples,
  json,
  model,
  number,
  out,
  passphraseFile,
  randomControls,
  seed,
  share,
  steps,
  wholeNumber,
} from './options.ts'

export function defineMeasuringCommands(palign: Command): void {
  defineEvaluate(palign)
  defineCapability(palign)
  defineBehave(palign)
  defineSafety(palign)
  defineOpenEnded(palign)
  defineRate(palign)
  defineReport(palign)
}

function defineEvaluate(palign: Command): void {
  palign
    .command('evaluate')
    .description('error on held-out items for every method, beside the rows that keep it honest')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option('-d, --data <file>', 'answers to IPIP-NEO-300: PAPI or Johnson file, or palign JSON')
    .addOption(new Option('--simulate <number>', 'so many simulated persons in place of --data').argParser(count))
    .option(
      '--methods <list>',
      'comma-separated: unchanged, few-shot, personality-prompt, pas, pas:published, PROMPT+STEERING of these, pas:kv-tied, pas:flipped, pas:random (five seeds), dpo, ppo, pas:as-published',
      'unchanged,few-shot,pas',
    )
    .addOption(
      new Option('--respondents <number>', 'how many persons of the file, drawn by the seed; default all').argParser(wholeNumber),
    )
    .addOption(
      new Option('--draw <how>', 'how they are drawn; stratified keeps the shares of sexes and ages')
        .choices(DRAWS)
        .default('random'),
    )
    .addOption(
      new Option(
        '--forms <forms>',
        'how held-out items are asked: with letters, or in all twelve forms (digits, three phrasings)',
      )
        .choices(['letters', 'all'])
        .default('letters'),
    )
    .option('--items <list>', 'also with only so many known items each, such as 5,10,20,40,80,120')
    .addOption(
      new Option('--orders <orders>', 'option orders in which items are asked')
        .choices(['both', ...OPTION_ORDERS])
        .default('both'),
    )
    .option(
      '--store <folder>',
      'keeps every finished answer there: the same command goes on after a stop, and several may share the work',
    )
    .addOption(databaseUrlFile())
    .option('--lm-eval <folder>', 'results and samples as lm-evaluation-harness writes them, a folder for each arm')
    .option('--inspect <folder>', 'Inspect logs, a folder for each arm')
    .addOption(steps())
    .option(
      '--descriptions <file>',
      'texts for personality-prompt: JSON list, one per person of the answers file; default: written from the known answers',
    )
    .addOption(seed())
    .addOption(out())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign evaluate --model models/respondent --data Test-set.json --respondents 30 --seed 1',
        'palign evaluate --model models/respondent --simulate 50 --methods unchanged,few-shot --items 5,20,120 --store units',
      ),
    )
    .action(async (options) => (await import('./evaluate.ts')).evaluateCommand(options))
}

function defineCapability(palign: Command): void {
  palign
    .command('capability')
    .description('what personas cost in knowledge, reasoning and truthfulness: MMLU, ARC, HellaSwag, TruthfulQA, GSM8K')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .requiredOption('-b, --bench <folder>', 'folder with the files of the sets, or with folders reasoning and truthfulness')
    .addOption(comparedPersonas())
    .addOption(passphraseFile())
    .option(
      '--tasks <list>',
      'comma-separated; a .jsonl file with {id, question, choices, answer} is asked as ARC is',
      'mmlu,arc-challenge,hellaswag,truthfulqa,gsm8k',
    )
    .addOption(
      new Option('--limit <number>', 'documents of each task at most; the result is marked not for reporting').argParser(count),
    )
    .addOption(randomControls())
    .option('--store <folder>', 'keeps every finished portion there: the same command goes on after a stop')
    .addOption(databaseUrlFile())
    .addOption(seed())
    .addOption(new Option('--margin <points>', 'loss in points of a hundred that counts as none').argParser(number).default(2))
    .addOption(out())
    .option('--lm-eval <folder>', 'results and samples as lm-evaluation-harness writes them, a folder for each arm')
    .option('--inspect <folder>', 'Inspect logs, a folder for each arm and a file for each task')
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign capability --model models/respondent --bench bench --persona me.safetensors --limit 100',
        'palign capability --model models/respondent --bench bench --persona me.safetensors --random 5 --store work --out capability.json',
      ),
    )
    .action(async (options) => (await import('./capability.ts')).capabilityCommand(options))
}

function defineBehave(palign: Command): void {
  palign
    .command('behave')
    .description(
      'what a model says to persona statements: as it is, steered to the ends of every trait, and with personas of persons',
    )
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .requiredOption('--bench <folder>', 'folder with anthropic_persona_<trait>.jsonl')
    .addOption(new Option('--statements <number>', 'statements of each trait, an even number').argParser(count).default(200))
    .option('--traits <list>', 'comma-separated; default all eight that the folder has')
    .option('--sd3-key <file>', 'item key of the Short Dark Triad (.xls): without it its traits are measured, not steered')
    .addOption(
      new Option('--random <number>', 'random directions for each trait, as a control').argParser(wholeNumber).default(5),
    )
    .option('-d, --data <file>', 'answers of persons whose personas are measured too')
    .addOption(new Option('--respondents <number>', 'how many of them, drawn by the seed; default all').argParser(count))
    .option('--methods <list>', 'comma-separated, as for evaluate; with --data', 'unchanged,few-shot,pas')
    .addOption(steps())
    .option('--descriptions <file>', 'texts for personality-prompt: JSON list, one per person of the answers file')
    .option('--store <folder>', 'keeps every finished trait and person there: the same command goes on after a stop')
    .addOption(databaseUrlFile())
    .addOption(seed())
    .addOption(out())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign behave --model models/respondent --bench personality --out behaviour.json',
        'palign behave --model models/respondent --bench personality --traits neuroticism,openness --statements 50 --random 0',
        'palign behave --model models/respondent --bench personality --data Test-set.json --respondents 30 --store work',
      ),
    )
    .action(async (options) => (await import('./behave.ts')).behaveCommand(options))
}

function defineSafety(palign: Command): void {
  palign
    .command('safety')
    .description('what personas do to safety and to text: harmful compliance, over-refusal, incoherence, perplexity, repetition')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option(
      '-b, --bench <folder>',
      'folder with CSV files of StrongREJECT, HarmBench, JailbreakBench or XSTest, known by columns',
    )
    .option('--sets <list>', 'comma-separated: strongreject, harmbench, jailbreakbench, xstest; default those that are there')
    .option('--harmful <files...>', 'further prompts that should be refused: CSV, or JSONL with {question}')
    .option('--safe <files...>', 'further prompts that should be answered')
    .option('--prompt-column <name>', 'column of the prompts in these CSV files', 'prompt')
    .addOption(comparedPersonas())
    .addOption(passphraseFile())
    .addOption(randomControls())
    .option(
      '--judge <urls...>',
      'OpenAI-compatible address whose model gives the verdicts, in place of rules; key in PALIGN_JUDGE_KEY',
    )
    .option('--judge-model <names...>', 'model of the judge; another than the model under test')
    .option('--doses', 'every persona also at half and at twice its strength')
    .addOption(
      new Option('--limit <number>', 'prompts of each set at most; the result is marked not for reporting').argParser(count),
    )
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(count).default(128))
    .option('--texts <files...>', 'texts whose perplexity is measured beside that of a neutral one')
    .addOption(
      new Option(
        '--compliance-accuracy <se,sp>',
        'sensitivity and specificity of the verdict "complies": adds corrected rates',
      ).argParser(accuracy),
    )
    .addOption(
      new Option('--refusal-accuracy <se,sp>', 'the same of the verdict "refuses", in part or in full').argParser(accuracy),
    )
    .option('--store <folder>', 'keeps every finished portion, answers included, there: the same command goes on after a stop')
    .addOption(databaseUrlFile())
    .option('--answers <file>', 'JSONL of all answers, to look at; they answer harmful requests, keep them private')
    .addOption(seed())
    .addOption(out())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign safety --model models/respondent --bench bench --persona me.safetensors --limit 50',
        'palign safety --model models/respondent --bench bench --persona me.safetensors --random 5 --doses --store work --out safety.json',
        'palign safety --model models/respondent --safe questions.jsonl --persona me.safetensors --json',
      ),
    )
    .action(async (options) => (await import('./safety.ts')).safetyCommand(options))
}

function defineOpenEnded(palign: Command): void {
  palign
    .command('open-ended')
    .description('what a model and its personas answer to everyday questions, scored by a trait classifier and by judges')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option('-p, --persona <paths...>', 'persona files made by palign align, or folders of adapters; each is an arm')
    .addOption(passphraseFile())
    .option('--statements <folder>', 'anthropic_persona_TRAIT.jsonl of the five traits, to fit the classifier on')
    .option('--judge <urls...>', 'OpenAI-compatible address such as https://host/v1; pairs with --judge-model, repeatable')
    .option('--judge-model <names...>', 'model of the judge; another than the model under test')
    .addOption(new Option('--samples <number>', 'answers of an arm to a situation').argParser(count).default(1))
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(count).default(128))
    .option(
      '--store <folder>',
      'keeps every finished answer and reply there: the same command goes on after a stop, and several may share the work',
    )
    .addOption(databaseUrlFile())
    .option('--answers <file>', 'also write the answers here, as JSONL')
    .option('--log <file>', 'also write every question to a judge here, with its sha256 and the raw reply, as JSONL')
    .addOption(seed())
    .addOption(out())
    .addOption(json())
    .addHelpText(
      'after',
      `${examples(
        'palign open-ended --model models/respondent --persona me.safetensors --statements statements',
        'palign open-ended --model MODEL --persona me.safetensors --judge https://host/v1 --judge-model JUDGE --log judge.jsonl',
      )}
The key of the first judge's host is read from PALIGN_JUDGE_KEY; PALIGN_JUDGE_KEY_2 and so on are of the further judges.
`,
    )
    .action(async (options) => (await import('./open-ended.ts')).openEndedCommand(options))
}

function defineRate(palign: Command): void {
  const rate = palign.command('rate').description('comparisons for people to judge, and what their judgements say')

  rate
    .command('export')
    .description('a blind package: a page to rate on, or tasks for Label Studio, and the key that raters must not see')
    .option('-a, --answers <file>', 'JSONL: one {"id", "prompt", "arm", "text", "persona"} a line, two or more arms for an id')
    .option('-m, --model <path>', 'in place of --answers: the model that writes them, unsteered and with every --persona')
    .addOption(dtype())
    .addOption(device())
    .option('-p, --persona <paths...>', 'persona files or adapter folders; arms are called by their names')
    .addOption(passphraseFile())
    .option('--prompts <file>', 'JSONL: one {"id", "prompt", "persona"} a line; persona is what raters are told of the person')
    .option('--save-answers <file>', 'keep what the model wrote as JSONL for --answers')
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0))
    .addOption(new Option('--top-p <number>', 'keep the smallest set of tokens with this mass').argParser(number).default(1))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(count).default(128))
    .requiredOption('-o, --out <folder>', 'new folder for the package and its key')
    .addOption(new Option('--format <format>', 'for whom').choices(['page', 'label-studio']).default('page'))
    .addOption(new Option('--pairs <number>', 'comparisons for each rater; default 30, or all there are').argParser(count))
    .addOption(new Option('--raters <number>', 'how many people rate').argParser(count).default(3))
    .addOption(new Option('--overlap <share>', 'of comparisons that three raters see').argParser(share).default(0.25))
    .addOption(new Option('--repeat <share>', 'of comparisons shown again, sides exchanged').argParser(share).default(0.05))
    .addOption(new Option('--attention <share>', 'of checks of attention').argParser(share).default(0.05))
    .addOption(seed())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign rate export --answers answers.jsonl --raters 40 --pairs 30 --out study',
        'palign rate export --model models/respondent --persona me.safetensors --prompts prompts.jsonl --out study',
        'palign rate export --answers answers.jsonl --format label-studio --out study',
      ),
    )
    .action(async (options) => (await import('./rate.ts')).rateExportCommand(options))

  rate
    .command('import')
    .description('win rates, strengths, agreement of raters and power, from what raters sent back')
    .requiredOption('-k, --key <file>', 'key.json of the package')
    .requiredOption('-r, --ratings <files...>', 'JSONL of the page; JSON, JSON-MIN or CSV of Label Studio')
    .addOption(
      new Option('--allowed-failures <number>', 'checks of attention that a rater may fail').argParser(wholeNumber).default(0),
    )
    .addOption(seed())
    .addOption(out())
    .addOption(json())
    .addHelpText('after', examples('palign rate import --key study/key.json --ratings ratings-*.jsonl --out result.json'))
    .action(async (options) => (await import('./rate.ts')).rateImportCommand(options))
}

function defineReport(palign: Command): void {
  palign
    .command('report')
    .description('stored results as one page that works without a network, as Markdown and as JSON')
    .argument('<files...>', 'what palign evaluate and its sisters wrote with --out')
    .requiredOption('-o, --out <folder>', 'where report.html, report.md and report.json go')
    .addOption(json())
    .addHelpText('after', examples('palign report result.json --out report'))
    .action(async (files, options) => (await import('./report.ts')).reportCommand(files, options))
}
