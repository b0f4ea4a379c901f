export type { Fault, FaultRequest, Faults } from './faults.ts';
export { type LabIdentityProvider, startLabIdentityProvider } from './identity-provider.ts';
export type {
  InspectedGrant,
  InspectedKey,
  InspectedProject,
  InspectedUser,
  Inspection,
} from './inspection.ts';
export { approveAsLabOperator, LabSignInError, type OperatorWalk } from './operator-walk.ts';
export type { LabIdentityOptions } from './options.ts';
export type { LabOperator } from './people.ts';
export type { LoggedRequest } from './request-log.ts';
