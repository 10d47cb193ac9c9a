// What the graphql-ws client makes of the server, one scenario after another: {scenario: what happened}.
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const { url, token, expired, workspaceId } = JSON.parse(process.argv[2])

const CHANGES = `subscription ($workspaceId: ID!) {
  recommendationChanges(workspaceId: $workspaceId) { __typename ... on StreamMessage { sequence } } }`

function connect(options = {}) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    ...options,
  })
}

/** The results of an operation until it is over, or `most` of them; and how it ended. */
function run(client, payload, most = Infinity) {
  return new Promise((resolve) => {
    const results = []
    const end = (how) => resolve({ results, ...how })
    const dispose = client.subscribe(payload, {
      next: (result) => {
        results.push(result)
        if (results.length >= most) dispose()
      },
      complete: () => end({ completed: true }),
      error: (error) =>
        end(Array.isArray(error) ? { errors: error } : { code: error.code ?? null, reason: String(error.reason ?? error) }),
    })
  })
}

const scenarios = {
  async query() {
    const client = connect()
    const found = await run(client, { query: '{ __typename }' })
    await client.dispose()
    return found
  },

  async subscription() {
    const client = connect()
    const found = await run(client, { query: CHANGES, variables: { workspaceId } }, 1)
    await client.dispose()
    return found
  },

  /** One socket; the bad document's operation ends, and the subscription beside it goes on. */
  async badDocument() {
    let sockets = 0
    const client = connect({ on: { opened: () => (sockets += 1) } })
    let first
    const started = new Promise((resolve) => {
      first = { going: true, results: 0 }
      first.dispose = client.subscribe(
        { query: CHANGES, variables: { workspaceId } },
        { next: () => ((first.results += 1), resolve()), complete: () => (first.going = false), error: () => (first.going = false) },
      )
    })
    await started
    const syntax = await run(client, { query: '{' })
    const unknown = await run(client, { query: '{ nothing }' })
    const after = await run(client, { query: '{ __typename }' })
    const { going, results } = first
    first.dispose()
    await client.dispose()
    return { syntax, unknown, after, going, results, sockets }
  },

  async wrongToken() {
    const client = connect({ connectionParams: { authorization: 'Bearer wrong' } })
    const found = await run(client, { query: '{ __typename }' })
    await client.dispose()
    return found
  },

  /** 4403 is not fatal to the client: it asks for new parameters and comes back. */
  async expiredThenFresh() {
    let asked = 0
    const client = connect({
      retryAttempts: 3,
      retryWait: () => Promise.resolve(),
      connectionParams: () => ({ authorization: `Bearer ${asked++ === 0 ? expired : token}` }),
      shouldRetry: (event) => event.code === 4403,
    })
    const found = await run(client, { query: '{ __typename }' })
    await client.dispose()
    return { ...found, asked }
  },

  /** The client's own pings are answered, and it answers the server's. */
  async pings() {
    const heard = { pongs: 0, pings: 0 }
    let enough
    const both = new Promise((resolve) => (enough = resolve))
    const check = () => heard.pongs >= 3 && heard.pings >= 3 && enough()
    const client = connect({
      keepAlive: 100,
      lazy: false,
      on: {
        ping: (received) => received && ((heard.pings += 1), check()),
        pong: (received) => received && ((heard.pongs += 1), check()),
      },
    })
    await both
    const after = await run(client, { query: '{ __typename }' })
    await client.dispose()
    return after
  },

  /** The client itself, made to break each rule: with which code the server closes. */
  async clientCloseCodes() {
    const raw = (...messages) => ({ on: { opened: (socket) => messages.forEach((each) => socket.send(JSON.stringify(each))) } })
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } }
    const subscribe = { id: '1', type: 'subscribe', payload: { query: CHANGES, variables: { workspaceId } } }
    const scripts = {
      badMessage: raw({ type: 'start' }),
      subscribeBeforeAck: raw(subscribe),
      wrongToken: { connectionParams: { authorization: 'Bearer wrong' } },
      noInit: { connectionParams: () => new Promise(() => {}) },
      idTwice: { generateID: () => '1', twice: true },
      initTwice: raw(init),
      noPong: { disablePong: true },
      tooBig: { query: `{ __typename } # ${'x'.repeat(200_000)}` },
    }
    const codes = {}
    for (const [name, script] of Object.entries(scripts)) codes[name] = await clientCloseCode(script)
    return codes
  },

  /** Raw sockets: what they say, and with which code the server closes. */
  async closeCodes() {
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } }
    const subscribe = (id) => ({ id, type: 'subscribe', payload: { query: CHANGES, variables: { workspaceId } } })
    const scripts = {
      notJson: ['nonsense'],
      array: ['[]'],
      unknownType: [{ type: 'start' }],
      badPayload: [{ type: 'connection_init', payload: [] }],
      subscribeWithoutId: [init, { type: 'subscribe', payload: { query: '{ __typename }' } }],
      subscribeBeforeAck: [subscribe('1')],
      wrongToken: [{ type: 'connection_init', payload: { authorization: 'Bearer wrong' } }],
      expiredToken: [{ type: 'connection_init', payload: { authorization: `Bearer ${expired}` } }],
      idTwice: [init, subscribe('1'), subscribe('1')],
      initTwice: [init, init],
      tooBig: [init, 'x'.repeat(200_000)],
      noInit: [],
      pongsButNoInit: [{ type: 'pong' }],
      noPong: [init],
    }
    const codes = {}
    for (const [name, messages] of Object.entries(scripts)) codes[name] = await closeCode('graphql-transport-ws', messages)
    return codes
  },

  async legacy() {
    return { code: await closeCode('graphql-ws', [{ type: 'connection_init' }]) }
  },
}

function clientCloseCode({ twice, query, on, ...options }) {
  return new Promise((resolve) => {
    const payload = query ? { query } : { query: CHANGES, variables: { workspaceId } }
    const client = connect({ ...options, on: { ...on, closed: (event) => resolve(event.code) } })
    const ignore = { next: () => {}, error: () => {}, complete: () => {} }
    client.subscribe(payload, ignore)
    if (twice) client.subscribe(payload, ignore)
  })
}

function closeCode(protocol, messages) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocol)
    socket.on('open', () => {
      for (const each of messages) socket.send(typeof each === 'string' ? each : JSON.stringify(each))
    })
    socket.on('unexpected-response', (_, response) => resolve(`HTTP ${response.statusCode}`))
    socket.on('error', () => {})
    socket.on('close', resolve)
  })
}

const found = {}
for (const [name, scenario] of Object.entries(scenarios)) found[name] = await scenario()
console.log(JSON.stringify(found))
process.exit(0)
