using System.Text.Json;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using FineTuneService.Usage;
using Microsoft.Extensions.Options;

namespace FineTuneService.Completions;

/// <summary>
/// Brings requests to the device: the prompt is made here, on the request's own thread; then the model and adapter are found, and the
/// rows join its batch.
/// </summary>
internal sealed class Answering(
    DeviceLease lease, ModelTexts texts, ModelAccess access, EncodingTurns encodings, RateLimits limits, UsageMeter meter, TimeProvider clock, IOptions<FineTuneOptions> options)
{
    public const string Chat = "chat";
    public const string TextCompletion = "text_completion";

    private static readonly TimeSpan LongestEncoding = TimeSpan.FromSeconds(30);

    /// <summary>How long a request without others is waited for at a time.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private int _live;

    private readonly TenantPlaces _underWay = new(options.Value.MaxWaitingRequests);

    /// <summary>Begins an answer.</summary>
    /// <param name="key">Of the API key, which its tokens are counted for.</param>
    /// <param name="cancel">The client has gone: its rows leave the batch.</param>
    public async Task<(Answer?, AnswerRefusal?)> Begin(AnswerPlan plan, string tenant, string key, ServedModel served, CancellationToken cancel)
    {
        if (!_underWay.TryTake(tenant)) return (null, new AnswerRefusal(RefusalKind.Full, "You have as many requests under way as the service takes at once; try again in a moment."));
        var trace = new AnswerTrace(plan.Operation, served.Name, plan.Choices[0].MaxTokens);
        if (!plan.IsBackground) Interlocked.Increment(ref _live);
        var request = new AnswerRows(tenant, plan, trace, used => Left(tenant, key, served, plan, used), cancel);
        try
        {
            (Answer? answer, AnswerRefusal? refusal) = await Begin(request, served);
            if (refusal is not null) request.Left(JsonNamingPolicy.SnakeCaseLower.ConvertName(refusal.Kind.ToString()));
            return (answer, refusal);
        }
        catch (Exception failure)
        {
            request.Left(failure is OperationCanceledException ? "cancelled" : "server_error");
            throw;
        }
    }

    /// <summary>Waits while somebody waits for an answer, up to a limit.</summary>
    public async Task Yield(TimeSpan longest, CancellationToken cancel)
    {
        for (long began = clock.GetTimestamp(); Volatile.Read(ref _live) > 0 && clock.GetElapsedTime(began) < longest;) await Task.Delay(Look, clock, cancel);
    }

    /// <summary>Answers that somebody waits for.</summary>
    public int Live => Volatile.Read(ref _live);

    /// <summary>Whether answers of the tenant's are under way, also such as nobody reads any more.</summary>
    public bool IsUnderWay(string tenant) => _underWay.HasAny(tenant);

    private void Left(string tenant, string key, ServedModel served, AnswerPlan plan, Usage? used)
    {
        if (used is not null)
        {
            limits.Spend(tenant, used.TotalTokens);
            meter.Add(tenant, served.Adapter?.Model ?? served.Model, key, used.PromptTokens, used.CompletionTokens, served.Adapter?.Id);
        }
        if (!plan.IsBackground) Interlocked.Decrement(ref _live);
        _underWay.Give(tenant);
    }

    private async Task<(Answer?, AnswerRefusal?)> Begin(AnswerRows rows, ServedModel served)
    {
        try
        {
            ModelText text = texts.Of(served.Folder);
            int capacity = ResidentModels.Capacity(text.Config), vocabulary = text.Config.VocabularySize;
            if (rows.HighestBiased is { } biased && biased >= vocabulary)
                return (null, new AnswerRefusal(RefusalKind.BadPrompt, $"logit_bias names token {biased}, and this model's ids are 0 to {vocabulary - 1}.", "logit_bias"));
            PromptEncoder encoder = Encoder(served, text, capacity);
            if (rows.Plan.Operation == Chat && !encoder.CanChat) return (null, NoTemplate(served));
            TokenVocabulary? tokens = null;
            if (rows.Plan.Grammar is not null && (tokens = Vocabularies.Of(text.Tokenizer!)) is null)
                return (null, new AnswerRefusal(RefusalKind.BadSchema, "This model's tokenizer joins its tokens in a way that answers cannot be held to a schema.", rows.Plan.GrammarField));
            var asked = new AskedModel(text, served.Precision, served.Adapter?.Id, served.Adapter?.Folder);
            access.Prefetch(asked);
            ReadyPrompts ready = await encodings.Run(rows.Tenant, () => Ready(rows, encoder, text.Tokenizer!, tokens), LongestEncoding, rows.Cancel);
            IReadOnlyList<int[]> ids = ready.Tokens;
            if (ids.Select(prompt => Unfit(prompt, rows.LeastTokens, capacity, vocabulary)).FirstOrDefault(found => found is not null) is { } unfit) return (null, unfit);
            (Answer? answer, NoRoom? full) = await access.Run(asked, "an answer", rows.Tenant, use => rows.Join(use, ready, lease), rows.Cancel);
            return full is null ? (answer, null) : (null, new AnswerRefusal(RefusalKind.Full, full.Message));
        }
        catch (SchemaException bad)
        {
            return (null, new AnswerRefusal(RefusalKind.BadSchema, $"Answers cannot be held to this schema: {bad.Message}.", rows.Plan.GrammarField));
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

    private static ReadyPrompts Ready(AnswerRows rows, PromptEncoder encoder, Tokenizer tokenizer, TokenVocabulary? vocabulary)
    {
        IReadOnlyList<int[]> ids = rows.Plan.Prompts(encoder);
        OutputSchema? schema = vocabulary is null || rows.Plan.Grammar is null ? null : new OutputSchema(rows.Plan.Grammar(), vocabulary);
        bool texts = rows.Plan.Echo || (rows.Plan.Operation == TextCompletion && rows.Plan.Choices[0].TopLogProbabilities is not null);
        return new ReadyPrompts(ids, texts ? [.. ids.Select(prompt => encoder.TextOf(prompt))] : [], rows.Seeds(ids), schema, id => tokenizer.IsSpecial(id) ? [] : tokenizer.BytesOf(id) ?? [])
        { Ends = rows.Plan.Operation == Chat ? encoder.Ends : [] };
    }

    /// <summary>Makes the model's prompts, with the templates that its adapter was trained with.</summary>
    /// <exception cref="ModelException">It has no tokenizer.</exception>
    public PromptEncoder Encoder(ServedModel served, ModelText text, int capacity)
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
