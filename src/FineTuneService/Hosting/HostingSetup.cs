using FineTuneService.Data;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>What every request goes through, in order.</summary>
internal static class HostingSetup
{
    public static void AddHosting(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<FineTuneOptions>().BindConfiguration(FineTuneOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.ConfigureHttpJsonOptions(json => Json.Configure(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddExceptionHandler<BadRequests>();
        builder.Services.AddSwaggerDocument();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Any byte in a header is read, so that a key in another encoding gets the error object and not Kestrel's empty 400.
            kestrel.RequestHeaderEncodingSelector = _ => System.Text.Encoding.Latin1;
        });
        TelemetryExport.AddTo(builder);
    }

    /// <summary>Opens the data directory, the database and the admin's key before the first request.</summary>
    public static void Prepare(this WebApplication app)
    {
        app.Services.GetRequiredService<DataDirectory>();
        app.Services.GetRequiredService<AdminKey>();
        using IServiceScope scope = app.Services.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<FineTuneDbContext>();
        Database.Migrate(db);
        EmbeddedModels.Register(db, app.Services.GetRequiredService<TimeProvider>());
    }

    public static void UseHosting(this WebApplication app)
    {
        app.UseRequestIds();
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(async status => await Bare(status.HttpContext).ExecuteAsync(status.HttpContext));
        app.UseTenantPaths();
        app.UseSwagger();
        app.UseSwaggerUI();
        app.UseRouting();
        app.UseRequestSpans();
        app.UseAccessControl();
        app.Use(AllowLargeUploads);
    }

    /// <summary>The error object for an answer that has only a status.</summary>
    private static IResult Bare(HttpContext context) => context.Response.StatusCode switch
    {
        404 => Errors.Make(404, $"No such endpoint: {context.Request.Method} {context.Request.Path}. /swagger lists them.", "unknown_url"),
        405 => Errors.Make(405, $"{context.Request.Path} does not take {context.Request.Method}. /swagger lists what it takes.", "method_not_allowed"),
        415 => Errors.Make(415, "Send Content-Type: application/json.", "unsupported_media_type"),
        var status => Errors.Make(status, "The request was refused.", null),
    };

    private static Task AllowLargeUploads(HttpContext context, RequestDelegate next)
    {
        if (context.Request.HasFormContentType && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = context.RequestServices.GetRequiredService<IOptions<FineTuneOptions>>().Value.MaxUploadBytes + (1 << 20);
        return next(context);
    }
}
