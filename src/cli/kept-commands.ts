/** @file Commands about what a server or a store keeps of persons, with their options. */
import { type Command, Option } from 'commander'
import { count, data, examples, json, passphraseFile, row } from './options.ts'

export function defineKeptCommands(palign: Command): void {
  defineRespondents(palign)
  definePersonas(palign)
}

const force = () => new Option('--force', 'without it nothing is deleted')

/** Where the things are. */
function placed(command: Command): Command {
  return command
    .option('--url <address>', 'of a server, as http://127.0.0.1:8717')
    .option('--api-key-file <file>', 'key for the server; else that of PALIGN_API_KEY, if set')
    .option('--store <folder>', 'in place of --url: the folder of palign serve --store')
    .option('--database-url-file <file>', 'in place of --url: file with the address of a PostgreSQL database')
    .addOption(json())
}

function defineRespondents(palign: Command): void {
  const group = palign.command('respondent').description('answers that are kept, each with a consent')
  placed(group.command('add').description('keeps the answers of one person of a file, and prints the id'))
    .addOption(data())
    .addOption(row())
    .option('--consent <version>', 'name of what the person agreed to')
    .option('--consent-file <file>', 'text that the person agreed to')
    .addOption(new Option('--days <number>', 'after which answers and all that was made of them are deleted').argParser(count))
    .addHelpText('after', examples('palign respondent add --store people --data answers.json --consent study-1 --days 90'))
    .action(async (options) => (await import('./respondents.ts')).addRespondentCommand(options))
  placed(group.command('list').description('respondents, without answers')).action(async (options) =>
    (await import('./respondents.ts')).listRespondentsCommand(options),
  )
  placed(group.command('delete').description('deletes a respondent with everything made of the answers'))
    .argument('<id>', 'as palign respondent list shows it')
    .addOption(force())
    .action(async (id, options) => (await import('./respondents.ts')).deleteRespondentCommand(id, options))
}

const encrypting = (command: Command): Command =>
  command.argument('<file>', 'persona file').addOption(passphraseFile()).addOption(json())

function definePersonas(palign: Command): void {
  const group = palign.command('persona').description('personas that are kept, and persona files under a passphrase')
  placed(group.command('list').description('personas and their states')).action(async (options) =>
    (await import('./personas.ts')).listPersonasCommand(options),
  )
  placed(group.command('show').description('how a persona was found, and how far off it is'))
    .argument('<id>', 'its name, or its ref')
    .action(async (id, options) => (await import('./personas.ts')).showPersonaCommand(id, options))
  placed(group.command('export').description('writes a persona to a file, or an adapter to a folder'))
    .argument('<id>', 'its name, or its ref')
    .requiredOption('-o, --out <path>', 'persona file to write (.safetensors); for an adapter a folder')
    .addHelpText('after', examples('palign persona export ada --url http://127.0.0.1:8717 --out ada.safetensors'))
    .action(async (id, options) => (await import('./personas.ts')).exportPersonaCommand(id, options))
  placed(group.command('delete').description('deletes a persona with its evaluation and jobs'))
    .argument('<id>', 'its name, or its ref')
    .option('--answers', 'the answers too, with every persona made of them')
    .addOption(force())
    .action(async (id, options) => (await import('./personas.ts')).deletePersonaCommand(id, options))
  encrypting(group.command('encrypt').description('a persona file under a passphrase, in the format of age'))
    .requiredOption('-o, --out <file>', 'encrypted file to write (.age)')
    .addHelpText('after', examples('palign persona encrypt me.safetensors --out me.safetensors.age'))
    .action(async (file, options) => (await import('./encrypt.ts')).encryptPersonaCommand(file, options))
  encrypting(group.command('decrypt').description('the persona file that was encrypted'))
    .requiredOption('-o, --out <file>', 'persona file to write (.safetensors)')
    .action(async (file, options) => (await import('./encrypt.ts')).decryptPersonaCommand(file, options))
}
