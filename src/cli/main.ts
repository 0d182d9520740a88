#!/usr/bin/env node
/** @file The palign command: one file per subcommand, loaded only when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { OPTION_ORDERS } from '../items/question-form.ts'
import { LINEAR_LAYERS } from '../model/adapter.ts'
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

function count(text: string): number {
  const value = number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number of at least 1.')
  return value
}

function share(text: string): number {
  const value = number(text)
  if (value < 0 || value > 1) throw new InvalidArgumentError('expected a number from 0 to 1.')
  return value
}

const model = () =>
  new Option('-m, --model <folder>', 'folder with config.json, *.safetensors and tokenizer.json').makeOptionMandatory()
const data = () => new Option('-d, --data <file>', 'answers: PAPI or Johnson file, or palign JSON').makeOptionMandatory()
const row = () => new Option('-r, --row <number>', 'which respondent of the file, from 0').argParser(wholeNumber).default(0)
const seed = () => new Option('-s, --seed <number>', 'seed of everything random').argParser(wholeNumber).default(0)
const steps = () => new Option('--steps <number>', "training steps of dpo and ppo instead of the paper's 250").argParser(count)
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
      `${examples('palign demo', 'palign align --model models/respondent --data answers.json --out me.safetensors')}\nStart with: palign demo\n`,
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
    .description('find the persona of a person for a model and write it to a file, or an adapter to a folder')
    .addOption(model())
    .addOption(data())
    .addOption(row())
    .addOption(seed())
    .addOption(
      new Option('--method <name>', 'steering, or an adapter that is trained')
        .choices(['pas', 'pas:published', 'dpo', 'ppo'])
        .default('pas'),
    )
    .addOption(steps())
    .requiredOption('-o, --out <path>', 'persona file to write (.safetensors); for dpo and ppo a folder')
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign align --model models/respondent --data answers.json --out me.safetensors',
        'palign align --model models/respondent --data answers.json --method dpo --steps 60 --out me-dpo',
      ),
    )
    .action(async (options) => (await import('./align.ts')).alignCommand(options))

  palign
    .command('evaluate')
    .description('error on held-out items for every method, beside the rows that keep it honest')
    .addOption(model())
    .addOption(data())
    .option(
      '--methods <list>',
      'comma-separated: unchanged, few-shot, personality-prompt, pas, pas:published, PROMPT+STEERING of these, pas:flipped, pas:random, dpo, ppo, pas:as-published',
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
    .option(
      '--store <folder>',
      'keeps every finished answer there: the same command goes on after a stop, and several may share the work',
    )
    .addOption(steps())
    .option('--descriptions <file>', 'texts for personality-prompt: JSON list, one per person of the answers file')
    .addOption(seed())
    .option('-o, --out <file>', 'also write the JSON result here')
    .addOption(json())
    .addHelpText('after', examples('palign evaluate --model models/respondent --data Test-set.json --respondents 30 --seed 1'))
    .action(async (options) => (await import('./evaluate.ts')).evaluateCommand(options))

  palign
    .command('report')
    .description('a stored evaluation as a page that works without a network, as Markdown and as JSON')
    .argument('<file>', 'what palign evaluate --out wrote')
    .requiredOption('-o, --out <folder>', 'where report.html, report.md and report.json go')
    .addOption(json())
    .addHelpText('after', examples('palign report result.json --out report'))
    .action(async (file, options) => (await import('./report.ts')).reportCommand(file, options))

  const rate = palign.command('rate').description('comparisons for people to judge, and what their judgements say')

  rate
    .command('export')
    .description('a blind package: a page to rate on, or tasks for Label Studio, and the key that raters must not see')
    .option('-a, --answers <file>', 'JSONL: one {"id", "prompt", "arm", "text", "persona"} a line, two or more arms for an id')
    .option('-m, --model <folder>', 'in place of --answers: the model that writes them, unsteered and with every --persona')
    .option('-p, --persona <paths...>', 'persona files or adapter folders; arms are called by their names')
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
    .option('-o, --out <file>', 'also write the JSON result here')
    .addOption(json())
    .addHelpText('after', examples('palign rate import --key study/key.json --ratings ratings-*.jsonl --out result.json'))
    .action(async (options) => (await import('./rate.ts')).rateImportCommand(options))

  palign
    .command('generate')
    .description('write text, steered by a persona if one is given')
    .addOption(model())
    .argument('<prompt>', 'what to say to the model; - reads standard input')
    .option('-p, --persona <path>', 'persona file made by palign align, or folder of an adapter (PEFT)')
    .addOption(
      new Option(
        '--alpha <number>',
        "strength instead of the persona's own; of an adapter, 1 is its own and 0 the base model",
      ).argParser(number),
    )
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0))
    .addOption(new Option('--top-p <number>', 'keep the smallest set of tokens with this mass').argParser(number).default(1))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(wholeNumber).default(128))
    .addOption(seed())
    .option('--raw', 'continue the prompt as plain text, without the chat template')
    .addOption(json())
    .addHelpText('after', examples('palign generate --model models/respondent --persona me.safetensors "Who are you?"'))
    .action(async (prompt, options) => (await import('./generate.ts')).generateCommand(prompt, options))

  palign
    .command('train')
    .description('train a model or a LoRA adapter on chats and texts; the same command goes on after a stop')
    .addOption(model())
    .requiredOption('-o, --out <folder>', 'folder for checkpoints, losses and what comes of it')
    .option('-d, --data <files...>', 'JSONL: one {"messages"}, {"text"} or {"parts"} a line')
    .option('--recipe <file>', 'JSON with stages in place of --data, --steps and the learning rate')
    .addOption(new Option('--steps <number>', 'updates').argParser(wholeNumber))
    .addOption(new Option('--epochs <number>', 'times through the data, in place of --steps').argParser(wholeNumber))
    .addOption(new Option('--tokens-per-step <number>', 'padded tokens of an update; default 4096').argParser(wholeNumber))
    .addOption(new Option('--learning-rate <number>', 'at its peak; default .0003').argParser(number))
    .addOption(new Option('--warmup-steps <number>', 'default 3 % of the steps').argParser(wholeNumber))
    .addOption(new Option('--final-fraction <number>', 'of the learning rate at the end; default .1').argParser(number))
    .option('--from-scratch', 'begin with random weights; the model folder needs none')
    .addOption(new Option('--init-std <number>', 'deviation of random weights').argParser(number).default(0.02))
    .addOption(new Option('--lora-rank <number>', 'train an adapter of this rank in place of the weights').argParser(wholeNumber))
    .addOption(new Option('--lora-alpha <number>', 'default twice the rank').argParser(number))
    .option('--lora-targets <list>', 'comma-separated linear layers', LINEAR_LAYERS.join(','))
    .addOption(new Option('--lora-dropout <number>', 'share of inputs dropped in training').argParser(number).default(0))
    .addOption(new Option('--dtype <type>', 'of the weights that are written').choices(['f32', 'f16', 'bf16']).default('f32'))
    .addOption(new Option('--weight-decay <number>', 'of matrices').argParser(number).default(0))
    .addOption(new Option('--clip-norm <number>', 'largest norm of a gradient').argParser(number).default(1))
    .addOption(new Option('--beta2 <number>', 'decay of the mean square of gradients').argParser(number).default(0.999))
    .addOption(new Option('--context <number>', "longest sequence in tokens; default the model's").argParser(wholeNumber))
    .addOption(new Option('--batch-tokens <number>', 'most padded tokens at once').argParser(wholeNumber).default(4096))
    .addOption(new Option('--pack-tokens <number>', 'texts share rows of this length').argParser(wholeNumber).default(512))
    .addOption(new Option('--threads <number>', 'with 1 the same run gives the same bits').argParser(wholeNumber).default(1))
    .addOption(
      new Option('--checkpoint-every <number>', 'steps between checkpoints; 0: at the ends of stages only')
        .argParser(wholeNumber)
        .default(100),
    )
    .option('--restart', 'throw away what an earlier run left in the folder')
    .addOption(seed())
    .addOption(new Option('--json', 'one JSON event a line on stdout'))
    .addHelpText(
      'after',
      examples(
        'palign train --model models/respondent --data chats.jsonl --epochs 2 --lora-rank 8 --out tuned',
        'palign train --model blank --from-scratch --recipe recipe.json --out trained',
      ),
    )
    .action(async (options) => (await import('./train.ts')).trainCommand(options))

  palign
    .command('inspect')
    .description('what a model folder, a persona file or an adapter folder holds, and what would be tapped')
    .argument('<path>', 'model folder, persona file or adapter folder')
    .addOption(json())
    .addHelpText('after', examples('palign inspect models/respondent', 'palign inspect me.safetensors --json'))
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
