#!/usr/bin/env node
/** @file The palign command. */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../node/package-version.ts'
import { defineChat } from './chat-command.ts'
import { defineExport } from './export-command.ts'
import { defineKeptCommands } from './kept-commands.ts'
import { defineMeasuringCommands } from './measuring-commands.ts'
import { defineModelCommands } from './model-commands.ts'
import { examples } from './options.ts'
import { endOnClosedPipe, reportError } from './output.ts'
import { definePersonaCommands } from './persona-commands.ts'
import { defineServingCommands } from './serving-commands.ts'

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
  definePersonaCommands(palign)
  defineExport(palign)
  defineModelCommands(palign)
  defineChat(palign)
  defineMeasuringCommands(palign)
  defineServingCommands(palign)
  defineKeptCommands(palign)
  return palign
}

endOnClosedPipe()
try {
  await program().parseAsync()
} catch (error) {
  // Commander has already written its own message: 2 is wrong usage, 0 is --help and --version.
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error)
}
