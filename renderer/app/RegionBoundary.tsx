import { Component, type ReactNode } from 'react';
import { describeThrown } from '#shared/errors/enrollment-error.ts';
import { Button } from '../ui/Button.tsx';
import { StateGlyph } from '../ui/StateGlyph.tsx';
import { act } from './bridge.ts';

interface RegionBoundaryProps {
  /** Name of the part, as the operator knows it. */
  readonly region: string;
  readonly children: ReactNode;
}

interface RegionBoundaryState {
  readonly evidence: string | undefined;
}

/** Keeps a fault of one part of the window in its place: the rest, and the batch, go on. */
export class RegionBoundary extends Component<RegionBoundaryProps, RegionBoundaryState> {
  override state: RegionBoundaryState = { evidence: undefined };

  static getDerivedStateFromError(thrown: unknown): RegionBoundaryState {
    return { evidence: describeThrown(thrown) };
  }

  override render(): ReactNode {
    const { evidence } = this.state;
    if (evidence === undefined) return this.props.children;
    const text = `STATION_BUG\n${this.props.region} could not be drawn.\n${evidence}`;
    return (
      <section
        role="alert"
        className="flex h-full flex-col items-start gap-2 border-l-[3px] border-fail-solid p-6"
      >
        <p className="flex items-center gap-2 text-lg font-semibold">
          <StateGlyph shape="octagon" size={14} />
          {this.props.region} could not be drawn.
        </p>
        <p className="mono text-xs text-fail-fg">STATION_BUG</p>
        <p className="text-sm text-ink-2">This is a fault of the window. A running batch goes on.</p>
        <div className="mt-2 flex gap-2">
          <Button kind="primary" onClick={() => this.setState({ evidence: undefined })}>
            Reload this part
          </Button>
          <Button onClick={() => void act('device.copyEvidence', { text })}>Copy evidence</Button>
        </div>
      </section>
    );
  }
}
