using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Weights;

internal static class LinearParts
{
    /// <summary>The parts of a layer of this shape.</summary>
    public static IReadOnlyList<LinearPart> Of(LinearShape shape) =>
        [.. shape.Parts.Select(part => new LinearPart(part.Module, part.Offset, part.Out))];
}
