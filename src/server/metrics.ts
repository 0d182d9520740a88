/** @file What Prometheus reads: counters and times of requests, the load, the gaps of the event loop. Labels are names of routes and states, nothing of a client. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Load } from './admission.ts'
import { MOST_PERSONAS } from './persona-shelf.ts'
import type { RequestRecord } from './request-record.ts'

/** What is looked up when somebody reads the metrics; what is absent is not known here, and not reported. */
export interface Gauges {
  /** Share of the engine's room for keys and values that is in use. */
  readonly kvCacheUsage?: (() => Promise<number>) | undefined
  /** Jobs by state. */
  readonly jobs?: (() => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>) | undefined
  /** Longest gap of the event loop since it was last asked for, seconds. */
  readonly eventLoopGap?: (() => number) | undefined
}

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
  /** A request that has ended. */
  observe(record: RequestRecord, status: number): void
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export function metrics(load: () => Load, { kvCacheUsage, jobs, eventLoopGap }: Gauges = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value())
      },
    })
  gauge('palign_requests_running', 'Requests that the model works on', () => load().running)
  gauge('palign_requests_waiting', 'Requests that wait for a place', () => load().waiting)
  if (kvCacheUsage) gauge('palign_kv_cache_usage_ratio', 'Share of the cache of keys and values in use', kvCacheUsage)
  if (eventLoopGap) gauge('palign_event_loop_gap_seconds', 'Longest gap of the event loop since the last reading', eventLoopGap)
  if (jobs) {
    new Gauge({
      name: 'palign_jobs',
      help: 'Jobs by state',
      labelNames: ['state'],
      registers,
      async collect() {
        for (const [state, count] of Object.entries(await jobs())) this.set({ state }, count)
      },
    })
  }
  new Gauge({
    name: 'palign_persona_requests_info',
    help: 'Personas of requests that run and wait, as labels; the value is the time of reading',
    labelNames: ['max_personas', 'running_personas', 'waiting_personas'],
    registers,
    collect() {
      const { runningPersonas, waitingPersonas } = load()
      this.reset()
      this.set(
        {
          max_personas: String(MOST_PERSONAS),
          running_personas: runningPersonas.join(','),
          waiting_personas: waitingPersonas.join(','),
        },
        Date.now() / 1000,
      )
    },
  })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const promptTokens = counter('palign_prompt_tokens_total', 'Tokens of prompts')
  const generationTokens = counter('palign_generation_tokens_total', 'Tokens generated')
  const histogram = (name: string, help: string, buckets: number[]) => new Histogram({ name, help, buckets, registers })
  const firstToken = histogram('palign_time_to_first_token_seconds', 'From the request to its first token', SECONDS)
  const perToken = histogram('palign_time_per_output_token_seconds', 'Between the tokens of a request, on average', TOKEN_SECONDS)
  const duration = new Histogram({
    name: 'palign_request_duration_seconds',
    help: 'From a request to the end of its answer',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  })
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe(record, status) {
      duration.observe({ route: record.route, status: String(status) }, (performance.now() - record.started) / 1000)
      promptTokens.inc(record.promptTokens)
      generationTokens.inc(record.completionTokens)
      if (record.firstToken === undefined) return
      firstToken.observe((record.firstToken - record.started) / 1000)
      if (record.completionTokens > 1) {
        perToken.observe((record.lastToken! - record.firstToken) / 1000 / (record.completionTokens - 1))
      }
    },
  }
}
