namespace FineTuneService.Engine.Weights;

/// <summary>What a tensor of a checkpoint is: it decides how it is stored, drawn and trained.</summary>
internal enum SlotKind { Embedding, Norm, Linear, Bias }

/// <summary>A tensor of a checkpoint, in the terms of the family's published files.</summary>
/// <param name="Name">Its name there, such as model.layers.0.self_attn.q_proj.weight.</param>
/// <param name="Shape">As the decoder has it: a linear layer's weight is [out, in], however the file stores it.</param>
internal sealed record Slot(string Name, SlotKind Kind, long[] Shape)
{
    /// <summary>The file stores [in, out] (GPT-2's Conv1D).</summary>
    public bool Transposed { get; init; }

    public long Count => Shape.Aggregate(1L, (count, size) => count * size);
}
