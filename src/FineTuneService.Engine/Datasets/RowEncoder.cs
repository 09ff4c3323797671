using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Makes tokens and labels of rows. Loss is on what the model is to say: assistant messages with their end of turn, or the
/// completion and the end-of-sequence token behind it.
/// </summary>
/// <param name="chatTemplate">Null for a base model without one: then only chat rows are refused.</param>
/// <param name="maxSequenceLength">Tokens of the longest row; longer ones lose their end.</param>
/// <param name="endOfText">The token behind a completion; null takes the tokenizer's own end of sequence.</param>
/// <param name="promptTemplate">What the rows' model or adapter was trained with: chat and Alpaca rows are put into it, as serving puts
/// what it is asked. Null for a model that is about to be trained: chat rows are put into the chat template, Alpaca rows into Stanford's
/// prompt.</param>
/// <param name="stops">Tokens that end an answer when the model serves; null takes the token behind a completion.</param>
/// <param name="vocabularySize">Tokens that the model knows: a row with another one is refused. Null takes whatever the tokenizer gives.</param>
public sealed class RowEncoder(
    Tokenizer tokenizer, ChatTemplate? chatTemplate, int maxSequenceLength, int? endOfText = null, PromptTemplate? promptTemplate = null,
    IReadOnlyList<int>? stops = null, int? vocabularySize = null)
{
    /// <summary>Tokens of the longest row where nobody says otherwise.</summary>
    private const int LongestSequence = 2048;

    private readonly IReadOnlyList<int> _stops = stops ?? ((endOfText ?? tokenizer.EosId) is { } own ? [own] : []);
    private readonly RowTokens _tokens = new(tokenizer, chatTemplate, endOfText ?? tokenizer.EosId, promptTemplate);

    /// <summary>The prompt template that rows of <paramref name="format"/> are put into: the adapter has to keep it.</summary>
    public static PromptTemplate? TemplateOf(DatasetFormat format) =>
        format == DatasetFormat.Alpaca ? PromptTemplate.Alpaca : null;

    /// <summary>The encoder of a model's rows, by what the model itself says.</summary>
    /// <param name="maxSequenceLength">Null takes 2,048 tokens; never more than the model was made for.</param>
    /// <param name="stops">The model's <see cref="StopTokens"/>.</param>
    public static RowEncoder For(
        ModelConfig model, Tokenizer tokenizer, ChatTemplate? chatTemplate, IReadOnlyList<int> stops, int? maxSequenceLength = null,
        PromptTemplate? promptTemplate = null)
    {
        // A tokenizer may name no end of text, or one that the model has no row for; another stop token then ends an answer.
        int? endOfText = tokenizer.EosId is { } id && stops.Contains(id) ? id : stops.Count > 0 ? stops[0] : null;
        return new RowEncoder(
            tokenizer, chatTemplate, Math.Min(maxSequenceLength ?? LongestSequence, model.MaxPositions), endOfText, promptTemplate, stops,
            model.VocabularySize);
    }

    /// <param name="cancel">Asked before each row.</param>
    public EncodedRows Encode(Dataset dataset, CancellationToken cancel = default) => Encode(dataset.Rows, dataset.FileName, cancel);

    /// <summary>Encodes rows as they come, so that a file's text need not be held.</summary>
    /// <param name="fileName">What messages about the rows begin with.</param>
    /// <param name="cancel">Asked before each row.</param>
    public EncodedRows Encode(IEnumerable<DatasetRow> source, string? fileName = null, CancellationToken cancel = default)
    {
        var rows = new List<TrainingRow>();
        var problems = new ProblemList(fileName);
        var warnings = new WarningList(fileName);
        var (truncated, dropped) = (0, 0);
        foreach (var row in source)
        {
            cancel.ThrowIfCancellationRequested();
            if (TryEncode(row, warnings, problems) is not { } encoded)
            {
                if (!problems.IsFull) continue;
                problems.SayStopped(rows.Count);
                break;
            }
            if (!TrainsNothing(encoded) && !encoded.Labels.Any(_stops.Contains)) warnings.Add(row.Line, NoStop);
            if (encoded.Ids.Length > maxSequenceLength)
            {
                truncated++;
                warnings.Add(row.Line, $"rows are cut at {maxSequenceLength} tokens.");
                encoded = new TrainingRow(encoded.Ids[..maxSequenceLength], encoded.Labels[..maxSequenceLength]);
            }
            if (TrainsNothing(encoded))
            {
                dropped++;
                warnings.Add(row.Line, "rows without a token to learn are left out.");
            }
            else rows.Add(encoded);
        }
        if (rows.Count == 0 && problems.Count == 0) problems.Add(new DatasetProblem(0, "no row has a token to learn."));
        return new EncodedRows(rows, problems.All, warnings.All, truncated, dropped);
    }

    /// <returns>Null where the row is no good, which is then a problem.</returns>
    private TrainingRow? TryEncode(DatasetRow row, WarningList warnings, ProblemList problems)
    {
        try
        {
            var encoded = _tokens.Encode(row, warnings);
            if (vocabularySize is not { } size || encoded.Ids.Take(maxSequenceLength).All(id => id < size)) return encoded;
            var unknown = encoded.Ids.First(id => id >= size);
            problems.Add(new DatasetProblem(row.Line,
                $"token {unknown} ('{Clip.To(tokenizer.Decode([unknown], skipSpecialTokens: false), 40)}') is not one of the model's {size}: its tokenizer knows more tokens than its weights have; use another base, or leave the token out."), $"token {unknown}");
        }
        catch (ChatTemplateException refused)
        {
            problems.Add(new DatasetProblem(row.Line, refused.Message));
        }
        return null;
    }

    private const string NoStop =
        "no token that ends an answer is learnt, so the model will not stop by itself. Let the chat template write such a token behind each "
        + "answer, inside {% generation %} where it has that, and name it as eos_token in tokenizer_config.json or eos_token_id in generation_config.json.";

    /// <summary>The first token's label is never used: nothing stands before it to predict it from.</summary>
    private static bool TrainsNothing(TrainingRow row) => row.Labels.Skip(1).All(label => label == TrainingRow.Ignored);
}
