namespace FineTuneService.Hosting;

/// <summary>
/// What Swagger UI shows of an endpoint: examples are objects of the wire's own types, so that they cannot fall behind them.
/// Each feature keeps its own in one file.
/// </summary>
internal static class Examples
{
    /// <summary>An example of the JSON body.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder endpoint, object body) => endpoint.WithMetadata(new BodyExample(body));

    /// <summary>The fields of a multipart body, of which "file" is the file.</summary>
    public static RouteHandlerBuilder TakesForm(this RouteHandlerBuilder endpoint, params FormField[] fields) => endpoint.WithMetadata(new FormExample(fields));

    /// <summary>The answer's type, and an example of it.</summary>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder endpoint, T answer)
        where T : notnull => endpoint.Produces<T>().WithMetadata(new AnswerExample(answer));

    /// <summary>What the answer looks like as server-sent events.</summary>
    public static RouteHandlerBuilder Streams(this RouteHandlerBuilder endpoint, string events) => endpoint.WithMetadata(new StreamExample(events));
}

internal sealed record FormField(string Name, string Description, string? Example = null, bool Required = true);

internal sealed record BodyExample(object Body);

internal sealed record FormExample(IReadOnlyList<FormField> Fields);

internal sealed record AnswerExample(object Answer);

internal sealed record StreamExample(string Events);
