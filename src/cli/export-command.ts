/** @file The command that writes a persona into a model for other programs. Its code is loaded only when it is called. */
import { type Command, Option } from 'commander'
import { EXPORT_CHOICES } from './export-targets.ts'
import { dtype, examples, json, model, number, passphraseFile } from './options.ts'

export function defineExport(palign: Command): void {
  palign
    .command('export')
    .description('write a persona into a model for another program and verify it there, or into a file of vectors')
    .argument('<persona>', 'persona file made by palign align')
    .addOption(model())
    .addOption(dtype())
    .addOption(new Option('-t, --to <target>', 'what to write').choices(EXPORT_CHOICES).makeOptionMandatory())
    .requiredOption('-o, --out <path>', 'file or folder to write; a folder must be empty or not exist')
    .addOption(new Option('--alpha <number>', "strength instead of the persona's own").argParser(number))
    .addOption(
      new Option('--as <form>', 'onnx: baked into the graph, or an input that is zero unless it is fed')
        .choices(['baked', 'input'])
        .default('baked'),
    )
    .addOption(
      new Option(
        '--carrier <bias>',
        'gguf, ollama: of the attention output or of the values; default what the architecture has',
      ).choices(['o-bias', 'v-bias']),
    )
    .option('--source <file>', 'gguf, ollama: GGUF file of the same model, whose tensors and tokenizer are taken over')
    .option('--without-tokenizer', 'gguf: no vocabulary, for programs that give token ids')
    .option('--approximate', 'control-vector, neuronpedia: also where hardly anything of the persona would arrive')
    .option('--require-verified', 'refuse what no installed program can verify')
    .addOption(passphraseFile())
    .addOption(json())
    .addHelpText(
      'after',
      examples(
        'palign export me.safetensors --model models/respondent --to hf --out me-hf',
        'palign export me.safetensors --model models/respondent --to onnx --out me-onnx --json',
        'palign export me.safetensors --model llama --to ollama --source llama-q4.gguf --out me-ollama',
        'palign export me.safetensors --model models/respondent --to svec --out vectors',
      ),
    )
    .action(async (persona, options) => (await import('./export.ts')).exportCommand(persona, options))
}
