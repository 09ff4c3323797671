namespace FineTuneService.Engine.Models;

/// <summary>Which rotary embedding a layer has.</summary>
public enum RopeUse { None, Global, Local }

/// <summary>What may differ from one layer of a model to the next.</summary>
/// <param name="Window">Keys that a query sees, its own included; 0: all before it.</param>
/// <param name="Experts">The MLP is a mixture of experts.</param>
public readonly record struct LayerTraits(int Window, RopeUse Rope, bool Experts = false);

/// <summary>A mixture of experts, https://arxiv.org/abs/2101.03961.</summary>
/// <param name="Count">Experts of a layer.</param>
/// <param name="Active">Experts that each token goes through.</param>
/// <param name="Width">Intermediate size of an expert.</param>
/// <param name="Renormalise">The active experts' weights are made to sum to 1.</param>
public sealed record ExpertTraits(int Count, int Active, int Width, bool Renormalise);
