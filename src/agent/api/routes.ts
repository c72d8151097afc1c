import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { stream } from 'hono/streaming'
import * as z from 'zod'
import { SeawallError } from '../../entry/errors.ts'
import type { Control } from '../control.ts'
import { errorBody } from './error-body.ts'
import { httpStatus } from './error-status.ts'
import { fromHex } from './hex.ts'
import { formatSample, formatSampleError } from './sample-line.ts'

export interface RouteOptions {
  readonly control: Control
  /** Text of `/metrics`. */
  readonly metrics: () => Promise<string>
  /** Called when an apply failed, whatever the reason. */
  readonly onApplyFailed?: () => void
  /** Called when everything was removed, and that was answered. */
  readonly onDown?: () => void
}

/** The API as it stands on Node's own server. */
type Api = Hono<{ Bindings: HttpBindings }>

const config = z.strictObject({ config: z.string().optional() })
const apply = z.strictObject({ config: z.string().optional(), confirmWithinMs: z.number().int().positive().optional() })
const prefix = z.strictObject({ prefix: z.string() })
const contains = z.strictObject({ addresses: z.array(z.string()) })
const drop = z.strictObject({
  expr: z.string(),
  forMs: z.number().int().positive().optional(),
  id: z.string().optional(),
})
const capture = z.strictObject({
  expr: z.string().optional(),
  verdict: z.enum(['drop', 'pass', 'tx']).optional(),
  every: z.number().optional(),
  snaplen: z.number().optional(),
  ringBytes: z.number().optional(),
})
const packets = z.strictObject({ packets: z.array(z.string()) })

/** Every operation of {@link Control} as a route under `/v1`. */
export function routes(options: RouteOptions): Api {
  const app: Api = new Hono()
  app.onError((error, c) => {
    const body = errorBody(error)
    return c.json(body, httpStatus(body.code))
  })
  app.notFound((c) => c.json(unknownRoute(c), 404))
  app.get('/metrics', async (c) => c.text(await options.metrics(), 200, { 'content-type': METRICS_TYPE }))
  reads(app, options.control)
  writes(app, options)
  rulesAndSets(app, options.control)
  balancer(app, options.control)
  samples(app, options.control)
  return app
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

function unknownRoute(c: Context) {
  return {
    name: 'Error',
    code: 'SEAWALL_UNKNOWN_ROUTE',
    message: `Cannot ${c.req.method} "${c.req.path}": there is no such route (docs/cli.md lists them)`,
  }
}

function reads(app: Api, control: Control): void {
  app.get('/v1/status', async (c) => c.json(await control.status()))
  app.get('/v1/rules', async (c) => c.json(await control.rules()))
  app.get('/v1/sets', async (c) => c.json(await control.sets()))
  app.get('/v1/counters', async (c) => c.json(await control.counters()))
  app.post('/v1/plan', async (c) => c.json(await control.plan((await input(c, config)).config)))
  app.post('/v1/probe', async (c) => c.json(await control.probe((await input(c, packets)).packets.map(packetOf))))
}

function writes(app: Api, { control, onApplyFailed, onDown }: RouteOptions): void {
  app.post('/v1/apply', async (c) => {
    const wanted = defined(await input(c, apply))
    try {
      return c.json(await control.apply(wanted))
    } catch (error) {
      onApplyFailed?.()
      throw error
    }
  })
  app.post('/v1/confirm', async (c) => c.json(await control.confirm()))
  app.post('/v1/rollback', async (c) => c.json(await control.rollback()))
  app.post('/v1/down', async (c) => {
    await control.down()
    if (onDown !== undefined) c.env.outgoing.once('finish', onDown)
    return c.json({})
  })
}

function rulesAndSets(app: Api, control: Control): void {
  app.post('/v1/rules', async (c) => {
    const { expr, ...rest } = await input(c, drop)
    return c.json(await control.drop(expr, defined(rest)))
  })
  app.post('/v1/captures', async (c) => c.json(await control.capture(defined(await input(c, capture)))))
  app.delete('/v1/rules/:id', async (c) => c.json(await control.undo(c.req.param('id'))))
  app.post('/v1/sets/:set/prefixes', async (c) =>
    c.json(await control.addToSet(c.req.param('set'), (await input(c, prefix)).prefix)),
  )
  app.post('/v1/sets/:set/contains', async (c) =>
    c.json(await control.contains(c.req.param('set'), (await input(c, contains)).addresses)),
  )
  app.delete('/v1/sets/:set/prefixes', async (c) =>
    c.json(await control.deleteFromSet(c.req.param('set'), (await input(c, prefix)).prefix)),
  )
}

function balancer(app: Api, control: Control): void {
  app.get('/v1/services', async (c) => c.json(await control.services()))
  app.post('/v1/services/plan', async (c) => c.json(await control.impact((await input(c, config)).config)))
  app.get('/v1/backends', async (c) => c.json(await control.backends()))
  app.post('/v1/backends/:name/drain', async (c) => c.json(await control.drain(c.req.param('name'))))
  app.delete('/v1/backends/:name/drain', async (c) => c.json(await control.undrain(c.req.param('name'))))
  app.get('/v1/bindings', async (c) => c.json(await control.bindings()))
  app.post('/v1/where', async (c) => c.json(await control.where((await input(c, packets)).packets.map(packetOf))))
}

/** One JSON object a line for as long as the client listens. */
function samples(app: Api, control: Control): void {
  app.get('/v1/samples', (c) => {
    c.header('content-type', 'application/x-ndjson')
    return stream(
      c,
      async (out) => {
        const gone = new AbortController()
        out.onAbort(() => gone.abort())
        for await (const sample of control.samples({ signal: gone.signal })) await out.write(formatSample(sample))
      },
      async (error, out) => void (await out.write(formatSampleError(error))),
    )
  })
}

async function input<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await c.req.text()
  const result = schema.safeParse(parseJson(text === '' ? '{}' : text))
  if (result.success) return result.data
  const why = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ')
  throw new SeawallError('SEAWALL_INPUT', `Cannot read the request: ${why}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot read the request: found ${JSON.stringify(text.slice(0, 80))}, wanted JSON`,
      {
        cause,
      },
    )
  }
}

function packetOf(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes !== undefined) return bytes
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot read packet "${text.slice(0, 40)}": wanted an even number of hexadecimal digits`,
  )
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Without the keys whose value is undefined, as exact optional properties want it. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>
}
