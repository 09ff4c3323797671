using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace FineTuneService.Data.Migrations
{
    /// <inheritdoc />
    public partial class JobTestFile : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "TestFile",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "TestFilename",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "TestLoss",
                table: "jobs",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "TestSha256",
                table: "jobs",
                type: "TEXT",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "TestFile",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TestFilename",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TestLoss",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TestSha256",
                table: "jobs");
        }
    }
}
