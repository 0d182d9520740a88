/** @file The command that talks. Its code is loaded only when it is called. */
import { type Command, Option } from 'commander'
import { DEFAULT_MAX_TOKENS } from '../model/language-model.ts'
import { allowModelMismatch, count, device, dtype, examples, model, number, passphraseFile, seed } from './options.ts'

export function defineChat(palign: Command): void {
  palign
    .command('chat')
    .description('talk with a model and its personas, in a terminal or one message a line')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option('-p, --persona <path>', 'who answers first: a persona file or the folder of an adapter (PEFT)')
    .option('--personas <folder>', 'persona files and adapter folders to choose from')
    .addOption(new Option('--alpha <number>', "strength of --persona instead of the persona's own").argParser(number))
    .addOption(passphraseFile())
    .addOption(allowModelMismatch())
    .addOption(seed())
    .addOption(new Option('--temperature <number>', '0 is greedy').argParser(number).default(0.7))
    .addOption(new Option('--top-p <number>', 'keep the smallest set of tokens with this mass').argParser(number).default(1))
    .addOption(new Option('--max-tokens <number>', 'longest answer').argParser(count).default(DEFAULT_MAX_TOKENS))
    .option('--system <text>', "system message beside the persona's own prompt")
    .option('--history <file>', 'where typed lines are kept; default chat-history in the state folder of the user')
    .option('--no-history', 'keep no typed lines')
    .addOption(new Option('--json', 'one line of JSON a turn on stdout'))
    .addHelpText(
      'after',
      examples(
        'palign chat --model models/respondent --persona me.safetensors',
        'palign chat --model models/respondent --personas personas --temperature 0 --json < messages.txt',
      ),
    )
    .action(async (options) => (await import('./chat.ts')).chatCommand(options))
}
