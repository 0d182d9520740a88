#!/usr/bin/env node
/** @file The palign command: one file per subcommand, loaded only when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { OPTION_ORDERS } from '../items/question-form.ts'
import { packageVersion } from '../node/package-version.ts'
import { endOnClosedPipe, reportError } from './output.ts'

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.')
  return value
}

function wholeNumber(text: string): number {
  const value = number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number of at least 0.')
  return value
}

const model = () =>
  new Option('-m, --model <folder>', 'folder with config.json, *.safetensors and tokenizer.json').makeOptionMandatory()
const data = () => new Option('-d, --data <file>', 'answers: PAPI or Johnson file, or palign JSON').makeOptionMandatory()
const row = () => new Option('-r, --row <number>', 'which respondent of the file, from 0').argParser(wholeNumber).default(0)
const seed = () => new Option('-s, --seed <number>', 'seed of everything random').argParser(wholeNumber).default(0)
const json = () => new Option('--json', 'one JSON value on stdout')

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}

function program(): Command {
  const palign = new Command('palign')
    .description('Personality alignment for open language models: find, serve and honestly measure personas.')
    .version(packageVersion())
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .exitOverride()
    .addHelpText(
      'after',
      `${examples('palign demo', 'palign align --model models/respondent-1m --data answers.json --out me.safetensors')}\nStart with: palign demo\n`,
    )

  palign
    .command('demo')
    .description('align the embedded demo model to one simulated person and show what changed')
    .addOption(seed())
    .option('-o, --out <file>', 'where the persona goes', 'palign-output/demo.safetensors')
    .addOption(json())
    .addHelpText('after', examples('palign demo', 'palign demo --seed 7 --json'))
    .action(async (options) => (await import('./demo.ts')).demo(options))

  palign
    .command('profile')
    .description('scores of a person: facets and domains with T, percentile and interval')
    .addOption(data())
    .addOption(row())
    .addOption(json())
    .addHelpText('after', examples('palign profile --data answers.json', 'palign profile --data Test-set.json --row 12 --json'))
    .action(async (options) => (await import('./profile.ts')).profileCommand(options))

  palign
    .command('align')
    .description('find the persona of a person for a model and write it to a file')
    .addOption(model())
    .addOption(data())
    .addOption(row())
    .addOption(seed())
    .addOption(new Option('--method <name>', 'variant of PAS').choices(['pas', 'pas:published']).default('pas'))
    .requiredOption('-o, --out <file>', 'persona file to write (.safetensors)')
    .addOption(json())
    .addHelpText('after', examples('palign align --model models/respondent-1m --data answers.json --out me.safetensors'))
    .action(async (options) => (await import('./align.ts')).alignCommand(options))

  palign
    .command('evaluate')
    .description('error on held-out items for every method, beside the rows that keep it honest')
    .addOption(model())
    .addOption(data())
    .option(
      '--methods <list>',
      'comma-separated: unchanged, few-shot, personality-prompt, pas, pas:published, pas:as-published',
      'unchanged,few-shot,pas',
    )
    .addOption(
      new Option('--respondents <number>', 'how many persons of the file, drawn by the seed; default all').argParser(wholeNumber),
    )
    .addOption(
      new Option('--orders <orders>', 'option orders in which items are asked')
        .choices(['both', ...OPTION_ORDERS])
        .default('both'),
    )
    .option('--descriptions <file>', 'texts for personality-prompt: JSON list, one per person of the answers file')
    .addOption(seed())
    .option('-o, --out <file>', 'also write the JSON result here')
    .addOption(json())
    .addHelpText('after', examples('palign evaluate --model models/respondent-1m --data Test-set.json --respondents 30 --seed 1'))
    .action(async (options) => (await import('./evaluate.ts')).evaluateCommand(options))

  palign
    .command('generate')
    .description('write text, steered by a persona if one is given')
    .addOption(model())
    .argument('<prompt>', 'what to say to the model; - reads standard input')
    .option('-p, --persona <file>', 'persona file made by palign align')
    .addOption(new Option('--alpha <number>', "strength instead of the persona's own").argParser(number))
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0))
    .addOption(new Option('--top-p <number>', 'keep the smallest set of tokens with this mass').argParser(number).default(1))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(wholeNumber).default(128))
    .addOption(seed())
    .option('--raw', 'continue the prompt as plain text, without the chat template')
    .addOption(json())
    .addHelpText('after', examples('palign generate --model models/respondent-1m --persona me.safetensors "Who are you?"'))
    .action(async (prompt, options) => (await import('./generate.ts')).generateCommand(prompt, options))

  palign
    .command('inspect')
    .description('what a model folder or a persona file holds, and what would be tapped')
    .argument('<path>', 'model folder or persona file')
    .addOption(json())
    .addHelpText('after', examples('palign inspect models/respondent-1m', 'palign inspect me.safetensors --json'))
    .action(async (path, options) => (await import('./inspect.ts')).inspectCommand(path, options))

  return palign
}

endOnClosedPipe()
try {
  await program().parseAsync()
} catch (error) {
  // Commander has already written its own message: 2 is wrong usage, 0 is --help and --version.
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error)
}
