/**
 * @file Requests that arrive at one moment are let in a few at a time: each takes a fraction of a millisecond before it first waits for something, and
 * hundreds in a row would hold up the tokens of everybody else.
 */
import type { MiddlewareHandler } from 'hono'

const AT_ONCE = 8

export function inTurns(): MiddlewareHandler {
  const waiting: (() => void)[] = []
  const letIn = () => {
    for (const enter of waiting.splice(0, AT_ONCE)) enter()
    if (waiting.length > 0) setImmediate(letIn)
  }
  return async (_, next) => {
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letIn)
    })
    await next()
  }
}
