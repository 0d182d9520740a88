/** @file What a method finds for every respondent, found once: computed, or read from the store of units. */
import type { AlignOptions } from '../align/pas.ts'
import { PalignError } from '../errors.ts'
import type { Respondent } from '../people/respondent.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import { type AlignUnit, alignUnitKey, decodeAlignUnit, encodeAlignUnit, sharedUnitKey } from './answer-unit.ts'
import { type Cost, costMeter, type ProcessMeter } from './cost.ts'
import {
  CONTROLLED,
  type ControlName,
  controlOf,
  isControl,
  type Method,
  type MethodContext,
  type MethodName,
  openMethod,
} from './methods.ts'
import { type StrengthMeter, strengthMeter } from './steering-strength.ts'
import { readUnit, runUnits, type UnitStore } from './units.ts'

export interface AlignmentContext extends MethodContext {
  readonly units: UnitStore
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  /** Measures memory and processor time; default: they are not measured. */
  readonly process?: ProcessMeter | undefined
  /** What becomes of persons with too few answers for the method; default: an error says so. */
  readonly tooFew?: 'refuse' | 'leave-unsteered' | undefined
}

/** A unit whose persona is there. */
export type Alignment = AlignUnit & { readonly persona: Persona }

export interface Alignments {
  of(respondent: Respondent): Promise<Alignment>
  /** Of what is done once for everybody; nothing before the first is found. */
  sharedCost(): Promise<Cost>
  dispose(): Promise<void>
}

/** The method is opened when the first unit is missing. */
export function alignments(name: MethodName, context: AlignmentContext): Alignments {
  const found = isControl(name) ? controls(name, context) : methodAlignments(name, context)
  const { units: store, signal } = context
  /** The forms of one person are asked one after the other. */
  let last: { readonly key: string; readonly alignment: Alignment } | undefined
  return {
    ...found,
    async of(respondent) {
      const key = await alignUnitKey(name, context, respondent)
      const compute = async () => {
        last = { key, alignment: await found.find(respondent) }
        return encodeAlignUnit(last.alignment)
      }
      if (last?.key !== key) {
        const [text] = await runUnits(store, [{ key, compute }], { signal })
        if (last?.key !== key) {
          const unit = decodeAlignUnit(text as string)
          const persona = unit.persona ?? (await found.find(respondent)).persona
          last = { key, alignment: { ...unit, persona } }
        }
      }
      return last.alignment
    },
  }
}

interface Finder extends Omit<Alignments, 'of'> {
  find(respondent: Respondent): Promise<Alignment>
}

function methodAlignments(name: Exclude<MethodName, ControlName>, context: AlignmentContext): Finder {
  const { model, units: store, process, tooFew = 'refuse' } = context
  const strength = strengthOf(context)
  let opened: Promise<Method> | undefined
  const open = async () => {
    const meter = await costMeter(model, process)
    const method = await openMethod(name, context)
    meter.addShared(method)
    await store.write(await sharedUnitKey(name, context), JSON.stringify(await meter.finish(1)))
    return method
  }
  return {
    async find(respondent) {
      opened ??= open()
      const method = await opened
      const meter = await costMeter(model, process)
      meter.enter('optimisation')
      let accuracies: Float32Array | undefined
      const observer: Pick<AlignOptions, 'onPhase' | 'onProbes'> = {
        onPhase: meter.enter,
        onProbes: (probes) => {
          accuracies = Float32Array.from(probes, ({ validationAccuracy }) => validationAccuracy)
        },
      }
      const persona = await method.align(respondent, observer).catch((error: unknown): undefined => {
        if (tooFew === 'leave-unsteered' && error instanceof PalignError && error.code === 'too-few-answers') return undefined
        throw error
      })
      meter.enter('answer')
      if (persona !== undefined) meter.addPersona(persona)
      // Measuring the strength is no part of what the arm costs.
      const cost = await meter.finish(1)
      const { regime, hyperparameters } = method
      if (persona === undefined) return { regime, hyperparameters, persona: { kind: 'none' }, tooFew: true, cost }
      return { regime, hyperparameters, persona, strength: await strength(persona), accuracies, cost }
    },
    async sharedCost() {
      return readUnit((await store.read(await sharedUnitKey(name, context))) ?? '{}', (json) => json as Cost)
    },
    async dispose() {
      const method = await opened?.catch(() => undefined)
      await method?.dispose?.()
    },
  }
}

/** What the controlled method found, changed: it costs nothing more. */
function controls(name: ControlName, context: AlignmentContext): Finder {
  const controlled = alignments(CONTROLLED, context)
  const strength = strengthOf(context)
  return {
    async find(respondent) {
      const { persona, tooFew, regime } = await controlled.of(respondent)
      if (persona.kind !== 'steering') return { regime, persona, tooFew, cost: {} }
      const changed = controlOf(name, persona, context.seed, respondent)
      return { regime, persona: changed, strength: await strength(changed), cost: {} }
    },
    sharedCost: async () => ({}),
    dispose: () => controlled.dispose(),
  }
}

/** Of what is added to the model; a prompt alone has none. */
function strengthOf({ model, signal }: AlignmentContext): (persona: Persona) => Promise<AlignUnit['strength']> {
  let meter: Promise<StrengthMeter> | undefined
  return async (persona) => {
    const { displacement, adapter } = compilePersona(persona, model)
    if (displacement === undefined && adapter === undefined) return undefined
    meter ??= strengthMeter(model, { signal })
    return { klP95: await (await meter).of({ displacement, adapter }), ...('alpha' in persona && { alpha: persona.alpha }) }
  }
}
