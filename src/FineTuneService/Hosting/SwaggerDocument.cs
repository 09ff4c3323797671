using Microsoft.OpenApi;

namespace FineTuneService.Hosting;

/// <summary>The OpenAPI document at /swagger/v1/swagger.json, and Swagger UI at /swagger.</summary>
internal static class SwaggerDocument
{
    public static IServiceCollection AddSwaggerDocument(this IServiceCollection services) => services.AddEndpointsApiExplorer().AddSwaggerGen(swagger =>
    {
        swagger.SwaggerDoc("v1", new OpenApiInfo { Title = "FineTuneService", Version = "v1", Description = "Fine-tuning as a service, in OpenAI's wire format." });
        swagger.CustomSchemaIds(SchemaShapes.NameOf);
        swagger.SupportNonNullableReferenceTypes();
        swagger.NonNullableReferenceTypesAsRequired();
        swagger.DescribeAllParametersInCamelCase();
        SchemaShapes.AddTo(swagger);
        swagger.OperationFilter<ExamplesFilter>();
        swagger.AddSecurityDefinition("key", new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A tenant's key, or the admin's." });
        swagger.AddSecurityRequirement(document => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] });
        foreach (string comments in Directory.EnumerateFiles(AppContext.BaseDirectory, "FineTuneService*.xml")) swagger.IncludeXmlComments(comments);
    });
}
