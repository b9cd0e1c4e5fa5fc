// The live bridge.
