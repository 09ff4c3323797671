using System.Diagnostics;
using FineTuneService.Adapters;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Evaluations;

/// <summary>One model's evaluation, a batch a lease turn: chat is answered and jobs train in between.</summary>
internal sealed class ModelRun(
    string tenant, ServedModel served, DeviceLease lease, ModelTexts texts, ModelAccess access, EncodingTurns encodings) : IAsyncDisposable
{
    private const string Owner = "an evaluation";

    private static readonly TimeSpan LongestEncoding = TimeSpan.FromMinutes(10);

    private readonly BatchedEvaluation _evaluation = new();

    /// <param name="warnings">Those about the rows are added.</param>
    public async Task<(ModelResult?, EvaluationRefusal?)> Evaluate(Dataset dataset, List<string> warnings, CancellationToken cancel)
    {
        using Activity? span = Telemetry.Source.StartActivity(Telemetry.Spans.Evaluate);
        span?.SetTag(Telemetry.Keys.RequestModel, served.Name);
        try
        {
            ModelText text = texts.Of(served.Folder);
            AdapterEntry? entry = served.Adapter;
            RowEncoder encoder = Encoder(text, entry is null ? null : texts.OfAdapter(entry.Id, entry.Folder, text));
            EncodedRows encoded = await encodings.Run(tenant, () => encoder.Encode(dataset, cancel), LongestEncoding, cancel); // It takes no tensor, so not on the device's thread.
            if (encoded.Problems.Count > 0)
                return (null, EvaluationRefusal.BadRows($"'{served.Name}' cannot be evaluated on this file.", encoded.Problems));
            warnings.AddRange(encoded.Warnings.Select(warning => warning.ToString()));
            // Looked up anew for each batch: either may be deleted, or let go, between two.
            var asked = new AskedModel(text, served.Precision, entry?.Id, entry?.Folder);
            EvaluationSums sums = default;
            foreach (IReadOnlyList<TrainingRow> batch in BatchedEvaluation.Batches(encoded.Rows))
            {
                (EvaluationSums ofBatch, NoRoom? full) = await access.Run(asked, Owner, tenant, use =>
                {
                    using (use) return _evaluation.Batch(use.Model.Base, use.Adapter?.Adapter, batch);
                }, cancel);
                if (full is not null) return (null, new EvaluationRefusal(EvaluationRefusalKind.Full, full.Message));
                sums += ofBatch;
            }
            span?.SetTag(Telemetry.Keys.Loss, sums.Result.Loss);
            return (Result(sums.Result, warnings), null);
        }
        catch (TimeoutException)
        {
            return (null, new EvaluationRefusal(EvaluationRefusalKind.BadRows, $"'{served.Name}' cannot be evaluated on this file: making its prompts takes longer than {LongestEncoding.TotalMinutes:0} minutes."));
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or TensorFileException or ChatTemplateException or TokenizerException
            or IOException or InvalidDataException or ArgumentException)
        {
            return (null, new EvaluationRefusal(EvaluationRefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be evaluated: {damaged.Message}"));
        }
    }

    public async ValueTask DisposeAsync() => await lease.Serve(Owner, () =>
    {
        _evaluation.Dispose();
        return true;
    });

    /// <summary>Rows become what this model would be asked: with the template that it, or its adapter, was trained with.</summary>
    /// <exception cref="ModelException">It has no tokenizer.</exception>
    private static RowEncoder Encoder(ModelText text, AdapterText? adapter) => RowEncoder.For(
        text.Config, text.Tokenizer ?? throw new ModelException("it has no tokenizer.json."), adapter is null ? text.ChatTemplate : adapter.ChatTemplate, text.EosIds,
        promptTemplate: adapter is null ? text.PromptTemplate : adapter.PromptTemplate);

    private ModelResult Result(EvaluationResult result, List<string> warnings)
    {
        double perplexity = Math.Exp(result.Loss);
        if (!double.IsFinite(perplexity)) warnings.Add($"'{served.Name}' gives no finite perplexity; its weights may be damaged.");
        return new ModelResult(served.Name, Finite(result.Loss), Finite(perplexity), result.TokenAccuracy, result.Tokens);
    }

    /// <summary>JSON knows no infinity.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
