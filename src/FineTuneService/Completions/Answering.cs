using System.Text.Json;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.Extensions.Options;

namespace FineTuneService.Completions;

/// <summary>
/// Brings requests to the device: the prompt is made here, on the request's own thread; then the model and adapter are found, and the
/// rows join its batch.
/// </summary>
internal sealed class Answering(
    DeviceLease lease, ModelTexts texts, ModelAccess access, EncodingTurns encodings, IOptions<FineTuneOptions> options)
{
    public const string Chat = "chat";
    public const string TextCompletion = "text_completion";

    private static readonly TimeSpan LongestEncoding = TimeSpan.FromSeconds(30);

    private readonly TenantPlaces _underWay = new(options.Value.MaxWaitingRequests);

    /// <summary>Begins an answer.</summary>
    /// <param name="operation">One of the two above, as OpenTelemetry names them.</param>
    /// <param name="prompts">Makes each prompt's tokens.</param>
    /// <param name="choices">How each prompt's n answers are drawn; MaxTokens 0 takes what the context leaves.</param>
    /// <param name="cancel">The client has gone: its rows leave the batch.</param>
    public async Task<(Answer?, AnswerRefusal?)> Begin(
        string operation, string tenant, ServedModel served, Func<PromptEncoder, IReadOnlyList<int[]>> prompts, IReadOnlyList<SamplingParameters> choices, CancellationToken cancel)
    {
        if (!_underWay.TryTake(tenant)) return (null, new AnswerRefusal(RefusalKind.Full, "You have as many requests under way as the service takes at once; try again in a moment."));
        var trace = new AnswerTrace(operation, served.Name, choices[0].MaxTokens);
        var request = new AnswerRows(tenant, choices, trace, () => _underWay.Give(tenant), cancel);
        try
        {
            (Answer? answer, AnswerRefusal? refusal) = await Begin(request, operation, served, prompts);
            if (refusal is not null) request.Left(JsonNamingPolicy.SnakeCaseLower.ConvertName(refusal.Kind.ToString()));
            return (answer, refusal);
        }
        catch (Exception failure)
        {
            request.Left(failure is OperationCanceledException ? "cancelled" : "server_error");
            throw;
        }
    }

    private async Task<(Answer?, AnswerRefusal?)> Begin(AnswerRows rows, string operation, ServedModel served, Func<PromptEncoder, IReadOnlyList<int[]>> prompts)
    {
        try
        {
            ModelText text = texts.Of(served.Folder);
            int capacity = ResidentModels.Capacity(text.Config), vocabulary = text.Config.VocabularySize;
            if (rows.HighestBiased is { } biased && biased >= vocabulary)
                return (null, new AnswerRefusal(RefusalKind.BadPrompt, $"logit_bias names token {biased}, and this model's ids are 0 to {vocabulary - 1}.", "logit_bias"));
            PromptEncoder encoder = Encoder(served, text, capacity);
            if (operation == Chat && !encoder.CanChat) return (null, NoTemplate(served));
            IReadOnlyList<int[]> ids = await encodings.Run(rows.Tenant, () => prompts(encoder), LongestEncoding, rows.Cancel);
            if (ids.Select(prompt => Unfit(prompt, rows.LeastTokens, capacity, vocabulary)).FirstOrDefault(found => found is not null) is { } unfit) return (null, unfit);
            ulong[] seeds = rows.Seeds(ids);
            var asked = new AskedModel(text, served.Precision, served.Adapter?.Id, served.Adapter?.Folder);
            (Answer? answer, NoRoom? full) = await access.Run(asked, "an answer", rows.Tenant, use => rows.Join(use, ids, seeds, lease), rows.Cancel);
            return full is null ? (answer, null) : (null, new AnswerRefusal(RefusalKind.Full, full.Message));
        }
        catch (ChatTemplateException bad)
        {
            return (null, new AnswerRefusal(RefusalKind.BadPrompt, $"The model's chat template refuses these messages: {bad.Message}"));
        }
        catch (TimeoutException)
        {
            return (null, new AnswerRefusal(RefusalKind.BadPrompt, $"Making the prompt takes longer than {LongestEncoding.TotalSeconds:0} seconds; send less at once, or simplify the model's chat template."));
        }
        catch (PromptTooLongException longer)
        {
            return (null, TooLong(ResidentModels.Capacity(texts.Of(served.Folder).Config), $"at least {longer.Fewest}", rows.LeastTokens));
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or TensorFileException or TokenizerException or InvalidDataException or IOException)
        {
            return (null, new AnswerRefusal(RefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be loaded: {damaged.Message}"));
        }
    }

    private PromptEncoder Encoder(ServedModel served, ModelText text, int capacity)
    {
        Tokenizer tokenizer = text.Tokenizer ?? throw new ModelException("it has no tokenizer.json.");
        if (served.Adapter is not { } entry) return new PromptEncoder(tokenizer, text.ChatTemplate, text.PromptTemplate, capacity);
        AdapterText adapter = texts.OfAdapter(entry.Id, entry.Folder, text);
        return new PromptEncoder(tokenizer, adapter.ChatTemplate, adapter.PromptTemplate, capacity);
    }

    private static AnswerRefusal? Unfit(int[] prompt, int asked, int capacity, int vocabulary)
    {
        if (prompt.Length == 0) return new AnswerRefusal(RefusalKind.BadPrompt, "The prompt has no tokens; write something.");
        if (prompt.Any(id => id < 0 || id >= vocabulary))
            return new AnswerRefusal(RefusalKind.BadPrompt, $"Token {prompt.First(id => id < 0 || id >= vocabulary)} is not one of this model's: ids are 0 to {vocabulary - 1}.");
        return capacity - prompt.Length >= asked ? null : TooLong(capacity, $"{prompt.Length}", asked);
    }

    private static AnswerRefusal TooLong(int capacity, string tokens, int asked) => new(RefusalKind.ContextLengthExceeded,
        $"This model's context is {capacity} tokens; the prompt has {tokens} and {asked} were asked for. Shorten the prompt or lower max_tokens.");

    private static AnswerRefusal NoTemplate(ServedModel served) => new(RefusalKind.NoChatTemplate,
        $"The model '{served.Name}' has no chat template. Use /v1/completions, or train an adapter on Alpaca rows, which brings its own prompt.");
}
