using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Datasets;

/// <summary>How rows become tokens and labels, in the names of TRL's SFTConfig.</summary>
/// <param name="MaxLength">Tokens of the longest row; longer ones lose their end.</param>
public sealed record EncodingRecipe(int MaxLength)
{
    /// <param name="rows">What will be encoded: which tokens are learnt depends on it.</param>
    /// <exception cref="NotSupportedException">Names the option that is not built.</exception>
    public static EncodingRecipe Parse(JsonObject config, Dataset rows)
    {
        RecipeFields.RefuseUnknown(config, "", ["max_length", "packing", "truncation_mode", "completion_only_loss", "assistant_only_loss"],
            new() { ["packing"] = ["false"], ["truncation_mode"] = ["keep_start"] });
        if ((bool?)config["completion_only_loss"] == false) throw new NotSupportedException("train_on all is not supported");
        // Of conversations, the loss on the assistant's tokens is the only one here; TRL has to be asked for it.
        if (rows.Rows.Any(row => row is ChatRow) && (bool?)config["assistant_only_loss"] != true)
            throw new NotSupportedException("train_on completion or all, of conversations, is not supported");
        return new EncodingRecipe((int?)config["max_length"] ?? int.MaxValue);
    }
}
