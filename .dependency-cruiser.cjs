// The direction of dependencies (docs/architecture.md), as rules that read like sentences.
// Each rule is proved to bite by scripts/layers.test.ts.

/** Code that ships; tests beside it may reach for anything they need. */
const isTest = '\\.test\\.tsx?$';

/** The pure core: everything in shared/ that does no I/O. */
const core = '^shared/(model|errors|contract|device|steps|plan|engine|setup)/';

/**
 * @param {string} name
 * @param {string} comment
 * @param {{ path?: string, pathNot?: string | string[] }} from
 * @param {Record<string, unknown>} to
 */
function forbid(name, comment, from, to) {
  const pathNot = [isTest, ...(from.pathNot ? [from.pathNot].flat() : [])];
  return { name, comment, severity: 'error', from: { ...from, pathNot }, to };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    forbid(
      'no-circular',
      'Two files that need each other are one file, or miss a third.',
      {},
      { circular: true },
    ),
    forbid(
      'imports-resolve',
      'An import that cannot be resolved escapes every other rule.',
      {},
      { couldNotResolve: true },
    ),
    forbid(
      'shared-is-below-the-app',
      'The core knows neither the app nor the lab: move the type down, usually to shared/model.',
      { path: '^shared/' },
      { path: '^(electron|renderer|e2e|scripts|resources)/' },
    ),
    forbid(
      'the-product-knows-no-lab',
      'The lab is started beside the app; nothing that ships imports it.',
      { path: '^(electron|renderer)/' },
      { path: '^(e2e|scripts)/' },
    ),
    forbid(
      'window-code-sees-only-the-contract',
      'The window and its bridge speak the contract; everything else reaches them as data.',
      { path: '^(renderer|electron/preload)/' },
      { path: '^(shared/(?!(contract|model|errors)/)|electron/(main|engine)/)' },
    ),
    forbid(
      'ui-knows-no-domain',
      'Buttons and tables stay usable anywhere: no feature and no domain type in renderer/ui.',
      { path: '^renderer/ui/' },
      { path: '^(renderer/(features|app)/|shared/)' },
    ),
    forbid(
      'main-holds-no-enrollment-rules',
      'The main process is windows and operating system; enrolling is the engine process.',
      { path: '^electron/main/' },
      { path: '^(shared/(device|steps|plan|engine)/|electron/engine/)' },
    ),
    forbid(
      'core-does-no-io',
      'The core reaches the world through shared/engine/ports.ts, so that a simulator can run it.',
      { path: core },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'core-uses-no-client-library',
      'Only parsers (zod, smol-toml): libraries that open sockets or files belong in shared/adapters.',
      { path: core },
      { path: 'node_modules/(?!(zod|smol-toml)/)' },
    ),
    forbid(
      'only-composition-roots-touch-adapters',
      'Adapters are chosen in one place: electron/engine, electron/main, the command line and the lab.',
      {
        path: '.',
        pathNot: '^(shared/(adapters|cli|zero-touch|testing)|electron/(engine|main)|e2e|resources)/',
      },
      { path: '^shared/(adapters|cli|zero-touch)/' },
    ),
    forbid(
      'model-stands-at-the-bottom',
      'Plain data knows nobody.',
      { path: '^shared/model/' },
      { path: '^shared/(?!model/)' },
    ),
    forbid(
      'errors-know-only-the-model',
      'An error is data about a failure, usable everywhere.',
      { path: '^shared/errors/' },
      { path: '^shared/(?!(errors|model)/)' },
    ),
    forbid(
      'contract-knows-only-model-and-errors',
      'What crosses between processes is plain data.',
      { path: '^shared/contract/' },
      { path: '^shared/(?!(contract|errors|model)/)' },
    ),
    forbid(
      'device-knows-no-step',
      'Commands and facts are what steps are made of.',
      { path: '^shared/device/' },
      { path: '^shared/(contract|steps|plan|engine)/' },
    ),
    forbid(
      'steps-know-no-engine',
      'A step says what is pending; the engine does it.',
      { path: '^shared/steps/' },
      { path: '^shared/(contract|plan|engine|setup)/' },
    ),
    forbid(
      'steps-do-not-know-each-other',
      'Steps meet in facts only; their order is in index.ts.',
      { path: '^shared/steps/(?!index\\.ts|define-step\\.ts)([^/]+)$' },
      { path: '^shared/steps/', pathNot: '^shared/steps/define-step\\.ts$' },
    ),
    forbid(
      'plan-knows-no-engine',
      'Planning is pure: facts and a target in, actions out.',
      { path: '^shared/plan/' },
      { path: '^shared/(contract|engine)/' },
    ),
    forbid(
      'engine-knows-no-adapter',
      'The engine works through its ports.',
      { path: '^shared/engine/' },
      { path: '^shared/(setup|adapters|cli|testing|zero-touch)/' },
    ),
    forbid(
      'setup-knows-no-adapter',
      'Setting up a provider works through its port, and beside the engine.',
      { path: '^shared/setup/' },
      { path: '^shared/(adapters|cli|testing|zero-touch)/' },
    ),
    forbid(
      'what-ships-knows-no-test-double',
      'Doubles are for tests, and for the helpers of tests in a testing folder of their own.',
      { path: '^(shared|electron|renderer)/', pathNot: '/testing/' },
      { path: '/testing/', pathNot: '^(e2e|node_modules)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(out|release)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
