export {
  type FaultPlan,
  type FaultPlanOptions,
  type FaultRates,
  faultPlan,
  type InjectedFault,
} from './fault-plan.ts';
export { type Fault, type FaultReply, type FaultRequest, type Faults, namedFaults } from './faults.ts';
export { type LabIdentityProvider, startLabIdentityProvider } from './identity-provider.ts';
export type {
  InspectedApp,
  InspectedGrant,
  InspectedKey,
  InspectedMember,
  InspectedPat,
  InspectedProject,
  InspectedUser,
  Inspection,
} from './inspection.ts';
export type { LabControl } from './lab-control.ts';
export { approveAsLabOperator, LabSignInError, type OperatorWalk } from './operator-walk.ts';
export type { ApiGeneration, LabIdentityOptions } from './options.ts';
export type { LabOperator } from './people.ts';
export type { LoggedRequest } from './request-log.ts';
