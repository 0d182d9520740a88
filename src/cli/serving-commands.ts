/** @file Commands that serve over HTTP and from the queue, with their options. */
import { type Command, Option } from 'commander'
import { SCOPES } from '../server/scopes.ts'
import { allowModelMismatch, count, databaseUrlFile, device, dtype, examples, json, model, wholeNumber } from './options.ts'

export function defineServingCommands(palign: Command): void {
  defineServe(palign)
  defineKeys(palign)
  defineWork(palign)
}

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug']
const keys = () =>
  new Option('--keys <file>', 'file of keys; default PALIGN_KEYS, or palign/keys.json in the folder of configurations')
const counted = (flags: string, text: string) => new Option(flags, text).argParser(count)

function defineServe(palign: Command): void {
  palign
    .command('serve')
    .description('a model and its personas behind the routes of the OpenAI API')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option('--personas <folder>', 'persona files and adapter folders; each is a model NAME@FILE')
    .option('--passphrase-file <file>', 'passphrase of encrypted personas (.age) in it; else that of PALIGN_PASSPHRASE')
    .addOption(allowModelMismatch())
    .option('--name <name>', 'what the model is called; default the name of its folder')
    .option('--store <folder>', 'keep answers and make personas of them: the routes below /api')
    .option('--database-url-file <file>', 'the same in a PostgreSQL database, whose address stands in this file')
    .option('--no-work', 'with --store: leave jobs to palign work')
    .option('--host <address>', 'where to listen; others than this machine need a key', '127.0.0.1')
    .addOption(new Option('--port <number>', '0 takes a free one').argParser(wholeNumber).default(8717))
    .option('--origin <origins...>', 'pages on the web that may ask, as https://example.org')
    .option('--api-key-file <file>', 'one key that may do everything; else that of PALIGN_API_KEY, if set')
    .addOption(keys())
    .addOption(counted('--running <number>', 'requests that the model works on at once').default(64))
    .addOption(new Option('--waiting <number>', 'requests that wait; more are refused').argParser(wholeNumber).default(64))
    .addOption(counted('--kv-memory <MiB>', 'for keys and values of all texts at once').default(2048))
    .addOption(
      new Option('--prefix-memory <MiB>', 'for beginnings of prompts that may come again; 0 keeps none')
        .argParser(wholeNumber)
        .default(512),
    )
    .addOption(counted('--per-key <number>', 'requests of one key at once (default: 4)'))
    .addOption(counted('--requests-per-minute <number>', 'of one key, where it has no limit of its own'))
    .addOption(counted('--tokens-per-minute <number>', 'of one key, prompts and answers together'))
    .addOption(counted('--request-seconds <number>', 'for one request at most').default(600))
    .addOption(
      new Option('--drain-seconds <number>', 'for answers in flight when the server stops').argParser(wholeNumber).default(30),
    )
    .addOption(
      new Option('--log-level <level>', 'lines on stderr: one for each request, never what was said')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign serve --model models/respondent --personas personas',
        'curl http://127.0.0.1:8717/v1/models',
        'palign serve --model models/respondent --store people',
        'palign keys create --name laptop && palign serve --model models/respondent --host 0.0.0.0',
      ),
    )
    .action(async (options) => (await import('./serve.ts')).serveCommand(options))
}

function defineKeys(palign: Command): void {
  const group = palign.command('keys').description('keys that palign serve asks for')
  group
    .command('create')
    .description('makes a key and shows it, this once')
    .requiredOption('--name <name>', 'whose it is')
    .addOption(new Option('--scope <scopes...>', 'what it may do').choices(SCOPES).default(['chat']))
    .addOption(counted('--requests-per-minute <number>', 'its own limit'))
    .addOption(counted('--tokens-per-minute <number>', 'its own limit, prompts and answers together'))
    .addOption(counted('--concurrency <number>', 'its requests at once'))
    .addOption(counted('--days <number>', 'that it is good for; default for ever'))
    .addOption(keys())
    .addOption(json())
    .addHelpText(
      'after',
      examples('palign keys create --name laptop', 'palign keys create --name studio --scope chat personas:read --days 30'),
    )
    .action(async (options) => (await import('./keys.ts')).createKeyCommand(options))
  group
    .command('list')
    .description('keys by id, without the keys themselves')
    .addOption(keys())
    .addOption(json())
    .action(async (options) => (await import('./keys.ts')).listKeysCommand(options))
  group
    .command('revoke')
    .description('a key is refused from the next request on, also by a server that runs')
    .argument('<key>', 'its id, or its name')
    .addOption(keys())
    .addOption(json())
    .action(async (which, options) => (await import('./keys.ts')).revokeKeyCommand(which, options))
}

function defineWork(palign: Command): void {
  palign
    .command('work')
    .description('take alignment jobs from a queue that many processes and machines may share')
    .addOption(model())
    .addOption(dtype())
    .addOption(device())
    .option('--store <folder>', 'folder with the queue, for processes of this machine')
    .addOption(databaseUrlFile())
    .addOption(
      new Option('--lease <seconds>', 'after which a worker that says nothing more has lost its job')
        .argParser(count)
        .default(120),
    )
    .option('--drain', 'end when nothing waits')
    .addOption(new Option('--json', 'one JSON value for each job on stdout'))
    .addHelpText(
      'after',
      examples(
        'palign work --model models/respondent --store queue',
        'palign work --model models/respondent --database-url-file /run/secrets/database-url',
      ),
    )
    .action(async (options) => (await import('./work.ts')).workCommand(options))
}
