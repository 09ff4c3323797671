using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Adapters;

/// <summary>Pins an adapter to the device, for answers that must not wait for it to be loaded, and lets it go again.</summary>
internal static class AdapterPinsApi
{
    public static void MapAdapterPins(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder pins = app.MapGroup("/v1/adapters/{id}").WithTags("Adapters").Needs(Access.Tenant);
        pins.MapPost("/pin", Pin).WithSummary("Load an adapter, and keep it loaded").Answers(AdapterExamples.Pinned);
        pins.MapPost("/unpin", Unpin).WithSummary("Let an adapter make room again for others").Answers(AdapterExamples.Adapter).TakenWhileDrained();
    }

    private static async Task<IResult> Pin(string id, FineTuneDbContext db, PinnedAdapters pinned, AdapterView view, CancellationToken cancel)
    {
        if (await Find(id, db, cancel) is not { } adapter) return Errors.NotFound("adapter", id);
        return await pinned.Pin(adapter, cancel) is { } refusal ? refusal : await Answer(id, db, view, cancel);
    }

    private static async Task<IResult> Unpin(string id, FineTuneDbContext db, PinnedAdapters pinned, AdapterView view, CancellationToken cancel)
    {
        if (await Find(id, db, cancel) is not { } adapter) return Errors.NotFound("adapter", id);
        await pinned.Unpin(adapter);
        return await Answer(id, db, view, cancel);
    }

    private static async Task<IResult> Answer(string id, FineTuneDbContext db, AdapterView view, CancellationToken cancel) =>
        await Find(id, db, cancel) is { } now ? Results.Ok(view.Body(now)) : Errors.NotFound("adapter", id); // Deleted meanwhile.

    private static Task<AdapterEntry?> Find(string id, FineTuneDbContext db, CancellationToken cancel) => db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel);
}
