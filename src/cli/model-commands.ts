/** @file Commands about models of a hub, with their options. */
import type { Command } from 'commander'
import { examples, json } from './options.ts'

export function defineModelCommands(palign: Command): void {
  definePull(palign)
  defineModels(palign)
}

function definePull(palign: Command): void {
  withHub(palign.command('pull').description('download a model, an adapter or a persona from a hub, and print its folder'))
    .argument('<id>', 'owner/name, or owner/name@revision')
    .option(
      '--file <path>',
      'weights in place of those that are chosen, as a GGUF file or onnx/model.onnx; may be given again',
      (path: string, before: readonly string[] = []) => [...before, path],
    )
    .option('-o, --out <folder>', 'in place of a folder in the cache')
    .option('--token-file <file>', 'token for the hub; else that of PALIGN_HUB_TOKEN or HF_TOKEN, if set')
    .option('--dry-run', 'say what would be downloaded')
    .option('--offline', 'ask nobody: what is here already, or an error; also with HF_HUB_OFFLINE=1')
    .option('--verify', 'with --offline: compare hashes too, not only sizes')
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign pull HuggingFaceTB/SmolLM2-135M-Instruct',
        'palign generate --model "$(palign pull HuggingFaceTB/SmolLM2-135M-Instruct)" "Who are you?"',
        'palign pull owner/name@v1.0 --dry-run',
      ),
    )
    .action(async (id, options) => (await import('./pull.ts')).pullCommand(id, options))
}

function defineModels(palign: Command): void {
  const group = palign.command('models').description('models that were pulled')
  group
    .command('list', { isDefault: true })
    .description('models, their commits, sizes and folders')
    .addOption(json())
    .action(async (options) => (await import('./models.ts')).listModelsCommand(options))
  withHub(group.command('rm').description('deletes a model that was pulled; it can be pulled again'))
    .argument('<id>', 'owner/name: all of its commits; owner/name@revision: one')
    .addOption(json())
    .action(async (id, options) => (await import('./models.ts')).removeModelCommand(id, options))
}

function withHub(command: Command): Command {
  return command.option('--hub <address>', 'of the hub; else that of HF_ENDPOINT, or the public one')
}
