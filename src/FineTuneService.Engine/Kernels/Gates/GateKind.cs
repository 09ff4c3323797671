namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>The activation functions that models name: one class each beside this one.</summary>
public enum GateKind { Silu, Gelu, GeluTanh, Relu, SquaredRelu }
