using FineTuneService.Data;
using FineTuneService.Models;
using FineTuneService.Operators;
using FineTuneService.Receipts;
using FineTuneService.Tenants;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>What every request goes through, in order.</summary>
internal static class HostingSetup
{
    public static void AddHosting(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<FineTuneOptions>().BindConfiguration(FineTuneOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<FineTuneOptions>, OptionRules>();
        builder.Services.AddSingleton<IValidateOptions<FineTuneOptions>, KnownOptions>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.ConfigureHttpJsonOptions(json => Json.Configure(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddExceptionHandler<BadRequests>();
        builder.Services.AddRequestDecompression();
        builder.Services.AddSwaggerDocument();
        builder.Services.AddSingleton<Readiness>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.AllowHostHeaderOverride = true; // A proxy may write the whole address into the request line; that is then the host (RFC 9112, 3.2.2).
            // Any byte in a header is read, so that a key in another encoding gets the error object and not Kestrel's empty 400.
            kestrel.RequestHeaderEncodingSelector = _ => System.Text.Encoding.Latin1;
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.UseRefusalBodies());
        });
        builder.AddLifetime();
        TelemetryExport.AddTo(builder);
    }

    /// <summary>Opens the data directory, the database and the admin's key before the first request.</summary>
    /// <exception cref="StartException">One of them cannot be used.</exception>
    public static void Prepare(this WebApplication app)
    {
        using Phases.Under phase = Phases.Enter(Phase.StartUpRepair);
        ListenPorts.Require(app.Configuration);
        _ = app.Services.GetRequiredService<IOptions<FineTuneOptions>>().Value; // Read here, where a wrong value gets its sentence.
        var directory = app.Services.GetRequiredService<DataDirectory>();
        app.Services.GetRequiredService<DiskSpace>().PrepareForStart();
        app.Services.GetRequiredService<AdminKey>();
        app.Services.GetRequiredService<ReceiptKey>();
        app.Services.GetRequiredService<DatabaseStart>().Open(db =>
        {
            Database.Migrate(db);
            DeletedRow.Watch(db);
            app.Services.GetRequiredService<TenantRemains>().RemoveBegun(db);
            EmbeddedModels.Register(db, app.Services.GetRequiredService<TimeProvider>());
            new Orphans(db, directory, app.Services.GetRequiredService<ILogger<Orphans>>()).Collect();
        });
    }

    public static void UseHosting(this WebApplication app)
    {
        app.UseRequestIds();
        app.UseSecurityHeaders();
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(async status => await Bare(status.HttpContext).ExecuteAsync(status.HttpContext));
        app.UseTenantPaths();
        app.UseHeadAsGet();
        app.UseSwagger();
        app.UseSwaggerUI();
        app.UseRouting();
        app.UseHeadAgain();
        app.UseStopping();
        app.UseAccessControl();
        app.UseDraining();
        app.UseBodyLimits();
        app.UseIdempotencyKeys();
        app.UseContentEncodings();
    }

    /// <summary>The error object for an answer that has only a status.</summary>
    private static IResult Bare(HttpContext context) => context.Response.StatusCode switch
    {
        404 => Errors.Make(404, $"No such endpoint: {context.Request.Method} {Errors.Clip(context.Request.Path)}. /swagger lists them.", "unknown_url"),
        405 => Errors.Make(405, $"{Errors.Clip(context.Request.Path)} does not take {context.Request.Method}. /swagger lists what it takes.", "method_not_allowed"),
        413 => Errors.Make(413, BodyLimits.TooLarge(context.Request), "body_too_large"),
        415 => Errors.Make(415, "Send Content-Type: application/json.", "unsupported_media_type"),
        var status => Errors.Make(status, RefusalBodies.Message(status), "malformed_request"),
    };
}
