using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Operators;

/// <summary>What the operator sees and does, with the admin's key.</summary>
internal static class OperatorsApi
{
    private const int UsualLimit = 100, MostLimit = 1000;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static void MapOperators(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder operators = app.MapGroup("/v1").WithTags("Operators").Needs(Access.Admin);
        operators.MapGet("/queue", Queue).WithSummary("Who waits with jobs: place, share, wait and expected start of each tenant; or a stream of it").Answers(OperatorExamples.Queue).Streams(OperatorExamples.QueueStream);
        operators.MapGet("/device", Device).WithSummary("The device: holder, utilisation, memory by owner; or a stream of it").Answers(OperatorExamples.Device).Streams(OperatorExamples.DeviceStream);
        operators.MapGet("/device/leases", Leases).WithSummary("Who held the device when, oldest first; or a stream of it").Answers(OperatorExamples.Leases).Streams(OperatorExamples.LeaseStream);
        operators.MapPost("/drain", Begin).WithSummary("Take no new work; running jobs save and rest").Answers(OperatorExamples.Drained).TakenWhileDrained();
        operators.MapGet("/drain", Status).WithSummary("Whether the service is drained").Answers(OperatorExamples.Drained);
        operators.MapDelete("/drain", TakeBack).WithSummary("Take work again").Answers(OperatorExamples.NotDrained);
    }

    private static async Task<IResult> Queue(HttpRequest request, QueueView view, IHostApplicationLifetime lifetime, CancellationToken cancel) =>
        Streams(request) ? TypedResults.ServerSentEvents(Changes(() => view.Read(cancel), lifetime, cancel)) : Results.Ok(await view.Read(cancel));

    private static async Task<IResult> Device(HttpRequest request, DeviceView view, IHostApplicationLifetime lifetime, CancellationToken cancel) =>
        Streams(request) ? TypedResults.ServerSentEvents(Changes(view.Read, lifetime, cancel)) : Results.Ok(await view.Read());

    private static IResult Leases(string? after, int? limit, HttpRequest request, DeviceLease lease, IHostApplicationLifetime lifetime, CancellationToken cancel)
    {
        if (limit is < 1 or > MostLimit) return Errors.BadRequest($"limit must be 1 to {MostLimit}.", param: "limit");
        string? from = request.Headers["Last-Event-ID"].FirstOrDefault() ?? after;
        long number = 0;
        if (from is { Length: > 0 } && !long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out number)) return Errors.BadRequest("after takes the id of a lease.", param: "after");
        if (Streams(request)) return TypedResults.ServerSentEvents(NewLeases(lease, number, lifetime, cancel));
        int most = limit ?? UsualLimit;
        IReadOnlyList<LeaseHold> found = lease.Log.After(number, most + 1);
        LeaseBody[] page = [.. found.Take(most).Select(Body)];
        return Results.Ok(new Page<LeaseBody>(page, found.Count > most, page.FirstOrDefault()?.Id ?? "", page.LastOrDefault()?.Id ?? ""));
    }

    private static async Task<IResult> Begin(Drain drain, FineTuneDbContext db)
    {
        drain.Begin();
        return await Status(drain, db);
    }

    private static async Task<IResult> TakeBack(Drain drain, FineTuneDbContext db)
    {
        drain.TakeBack();
        return await Status(drain, db);
    }

    private static async Task<IResult> Status(Drain drain, FineTuneDbContext db) =>
        Results.Ok(new DrainBody("drain", drain.IsOn, await db.Jobs.IgnoreQueryFilters().CountAsync(job => job.Status == JobStatus.Running && job.ClaimId != null)));

    private static bool Streams(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/event-stream");

    private static LeaseBody Body(LeaseHold hold) => new(
        hold.Number.ToString(CultureInfo.InvariantCulture), "device.lease", hold.Holder, hold.Tenant.Length > 0 ? hold.Tenant : null, hold.BeganAt.ToUnixTimeMilliseconds() / 1000d, hold.Duration.TotalSeconds);

    /// <summary>What a view reads, each time that it is another.</summary>
    private static async IAsyncEnumerable<SseItem<string>> Changes<TBody>(Func<Task<TBody>> read, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? before = null;
        while (!lifetime.ApplicationStopping.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            string now = JsonSerializer.Serialize(await read(), Json.Options);
            if (now != before) yield return new SseItem<string>(now);
            before = now;
            await Task.Delay(Look, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async IAsyncEnumerable<SseItem<string>> NewLeases(DeviceLease lease, long number, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancel)
    {
        while (!lifetime.ApplicationStopping.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            foreach (LeaseHold hold in lease.Log.After(number, MostLimit))
            {
                yield return new SseItem<string>(JsonSerializer.Serialize(Body(hold), Json.Options)) { EventId = hold.Number.ToString(CultureInfo.InvariantCulture) };
                number = hold.Number;
            }
            await Task.Delay(Look, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
