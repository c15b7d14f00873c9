import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { addCounters, ControlPlaneCounters, DataPlaneCounters } from './counters.ts'
import type { Histogram as PlainHistogram } from './histogram.ts'
import type { MetricSpec, Totals } from './metric-table.ts'
import { metricTable } from './metric-table.ts'

/** Every metric's name begins with this. */
export const metricPrefix = 'switchmaster_'

/** Where the numbers come from at a scrape: one entry per data-plane process, and the monitor's. */
export interface MetricSources {
  /** Counters of all data-plane processes, also of those that have ended. */
  data(): Promise<readonly DataPlaneCounters[]> | readonly DataPlaneCounters[]
  control(): Promise<readonly ControlPlaneCounters[]> | readonly ControlPlaneCounters[]
}

/** The text that Prometheus scrapes. */
export interface Metrics {
  readonly contentType: string
  scrape(): Promise<string>
}

/** Sums the sources at each scrape; nothing is done between scrapes. */
export function createMetrics(sources: MetricSources, version: string): Metrics {
  const registry = new Registry()
  let totals: Totals = { data: new DataPlaneCounters(), control: new ControlPlaneCounters() }
  for (const spec of metricTable) register(spec, () => totals, registry)
  const info = new Gauge({
    name: `${metricPrefix}build_info`,
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers: [registry],
  })
  info.set({ version }, 1)
  collectDefaultMetrics({ register: registry })
  return {
    contentType: registry.contentType,
    async scrape() {
      const [data, control] = await Promise.all([sources.data(), sources.control()])
      totals = { data: new DataPlaneCounters(), control: new ControlPlaneCounters() }
      for (const part of data) addCounters(totals.data, part)
      for (const part of control) addCounters(totals.control, part)
      return registry.metrics()
    },
  }
}

function register(spec: MetricSpec, totals: () => Totals, registry: Registry): void {
  const common = { name: metricPrefix + spec.name, help: spec.help, registers: [registry] }
  if ('readHistogram' in spec) {
    new PlainHistogramMetric(common, () => spec.readHistogram(totals()))
    return
  }
  const set = (): readonly [Record<string, string>, number][] =>
    'readSet' in spec
      ? Object.entries(spec.readSet(totals())).map(([value, n]) => [{ [spec.label]: value }, n])
      : [[{}, spec.read(totals())]]
  const labelNames = 'readSet' in spec ? [spec.label] : []
  if (spec.type === 'counter') {
    new Counter({
      ...common,
      labelNames,
      collect() {
        this.reset()
        for (const [label, value] of set()) this.inc(label, value)
      },
    })
  } else {
    new Gauge({
      ...common,
      labelNames,
      collect() {
        for (const [label, value] of set()) this.set(label, value)
      },
    })
  }
}

/** Shows a plain histogram as prom-client's own would be shown. */
class PlainHistogramMetric extends Histogram {
  readonly #empty: Histogram
  readonly #name: string
  readonly #read: () => PlainHistogram

  constructor(
    config: { readonly name: string; readonly help: string; readonly registers: Registry[] },
    read: () => PlainHistogram,
  ) {
    super(config)
    this.#empty = new Histogram({ ...config, registers: [] })
    this.#name = config.name
    this.#read = read
  }

  override async get(): ReturnType<Histogram['get']> {
    const { bounds, counts, sum } = this.#read()
    let total = 0
    const values: Awaited<ReturnType<Histogram['get']>>['values'] = counts.map((count, index) => {
      total += count
      const le = bounds[index] ?? '+Inf'
      return { metricName: `${this.#name}_bucket`, labels: { le }, value: total }
    })
    values.push({ metricName: `${this.#name}_sum`, labels: {}, value: sum })
    values.push({ metricName: `${this.#name}_count`, labels: {}, value: total })
    return { ...(await this.#empty.get()), values }
  }

  /** The registry asks a histogram this way when it writes text. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }
}
