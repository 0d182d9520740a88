/** @file Commands that find, use and train personas and models. Their code is loaded only when they are called. */
import { type Command, Option } from 'commander'
import { LINEAR_LAYERS } from '../model/adapter.ts'
import {
  allowModelMismatch,
  data,
  device,
  dtype,
  examples,
  json,
  model,
  number,
  passphraseFile,
  row,
  seed,
  steps,
  utcTime,
  wholeNumber,
} from './options.ts'

export function definePersonaCommands(palign: Command): void {
  defineDemo(palign)
  defineProfile(palign)
  defineAlign(palign)
  defineGenerate(palign)
  defineMix(palign)
  defineTrain(palign)
  defineInspect(palign)
}

function defineDemo(palign: Command): void {
  palign
    .command('demo')
    .description('align the embedded demo model to one simulated person and show what changed')
    .addOption(seed())
    .option('-o, --out <file>', 'where the persona goes', 'palign-output/demo.safetensors')
    .addOption(json())
    .addHelpText('after', examples('palign demo', 'palign demo --seed 7 --json'))
    .action(async (options) => (await import('./demo.ts')).demo(options))
}

function defineProfile(palign: Command): void {
  palign
    .command('profile')
    .description('scores of a person: facets and domains with T, percentile and interval')
    .addOption(data())
    .addOption(row())
    .addOption(json())
    .addHelpText('after', examples('palign profile --data answers.json', 'palign profile --data Test-set.json --row 12 --json'))
    .action(async (options) => (await import('./profile.ts')).profileCommand(options))
}

function defineAlign(palign: Command): void {
  palign
    .command('align')
    .description('find the persona of a person for a model and write it to a file, or an adapter to a folder')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .addOption(data())
    .addOption(row())
    .addOption(seed())
    .addOption(
      new Option('--method <name>', 'steering (pas:kv-tied: what a bias of v_proj can carry), or an adapter that is trained')
        .choices(['pas', 'pas:published', 'pas:kv-tied', 'dpo', 'ppo'])
        .default('pas'),
    )
    .addOption(steps())
    .requiredOption('-o, --out <path>', 'persona file to write (.safetensors); for dpo and ppo a folder')
    .option('--license <id>', 'under which the persona may be used; written into it')
    .option('--owner <name>', 'whose it is; written into it')
    .addOption(new Option('--expires <time>', 'ISO 8601; from then on the persona is refused at use').argParser(utcTime))
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign align --model models/respondent --data answers.json --out me.safetensors',
        'palign align --model models/respondent --data answers.json --method dpo --steps 60 --out me-dpo',
      ),
    )
    .action(async (options) => (await import('./align.ts')).alignCommand(options))
}

function defineGenerate(palign: Command): void {
  palign
    .command('generate')
    .description('write text, steered by a persona if one is given')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .argument('<prompt>', 'what to say to the model; - reads standard input')
    .option('-p, --persona <path>', 'persona file made by palign align, or folder of an adapter (PEFT)')
    .addOption(
      new Option(
        '--alpha <number>',
        "strength instead of the persona's own; of an adapter, 1 is its own and 0 the base model",
      ).argParser(number),
    )
    .addOption(passphraseFile())
    .addOption(allowModelMismatch())
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0))
    .addOption(new Option('--top-p <number>', 'keep the smallest set of tokens with this mass').argParser(number).default(1))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(wholeNumber).default(128))
    .addOption(seed())
    .option('--raw', 'continue the prompt as plain text, without the chat template')
    .addOption(json())
    .addHelpText('after', examples('palign generate --model models/respondent --persona me.safetensors "Who are you?"'))
    .action(async (prompt, options) => (await import('./generate.ts')).generateCommand(prompt, options))
}

function defineMix(palign: Command): void {
  palign
    .command('mix')
    .description('a weighted sum of steering personas of one model, as another persona')
    .argument('<persona=weight...>', 'persona files, each with what its displacement is multiplied by; weights may be negative')
    .requiredOption('-o, --out <file>', 'persona file to write (.safetensors)')
    .addOption(
      new Option('--alpha <number>', 'what the whole is multiplied by where nothing else is asked').argParser(number).default(1),
    )
    .option('--system <file>', 'text that becomes the prompt of the persona')
    .addOption(passphraseFile())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign mix a.safetensors=0.7 b.safetensors=0.3 --out c.safetensors',
        'palign mix a.safetensors=1 b.safetensors=-1 --system prompt.txt --out c.safetensors',
      ),
    )
    .action(async (operands, options) => (await import('./mix.ts')).mixCommand(operands, options))
}

function defineTrain(palign: Command): void {
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
}

function defineInspect(palign: Command): void {
  palign
    .command('inspect')
    .description('what a model folder, a persona file or an adapter folder holds, and what would be tapped')
    .argument('<path>', 'model folder, persona file or adapter folder')
    .addOption(dtype())
    .addOption(device())
    .addOption(passphraseFile())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign inspect models/respondent',
        'palign inspect models/respondent --dtype q4',
        'palign inspect me.safetensors --json',
      ),
    )
    .action(async (path, options) => (await import('./inspect.ts')).inspectCommand(path, options))
}
